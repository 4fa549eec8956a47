"""Records (档案资料, W10): any file, filed by customer, business, kind and date; its versions, how long it is kept, what it says."""
