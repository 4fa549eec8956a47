"""What tests of gateways share with those of the product."""

from tests.product.conftest import cast

__all__ = ["cast"]
