// The API's description, shown by Swagger UI with what this page says of itself; the session's requests carry its token.
const { description, csrf } = document.body.dataset;

SwaggerUIBundle({
  url: description,
  dom_id: "#swagger-ui",
  layout: "BaseLayout",
  deepLinking: true,
  requestInterceptor: (request) => {
    request.headers["X-CSRFToken"] = csrf;
    return request;
  },
});
