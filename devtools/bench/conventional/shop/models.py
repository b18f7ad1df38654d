"""The models of a request and of the events."""

from typing import Literal

from aws_lambda_powertools.utilities.parser import BaseModel
from pydantic import Field


class Address(BaseModel):
    """Where an order is sent."""

    recipient: str = Field(min_length=1, max_length=100)
    street: str = Field(min_length=1, max_length=200)
    postal_code: str = Field(min_length=1, max_length=20)
    city: str = Field(min_length=1, max_length=100)
    country: str = Field(pattern="^[A-Z]{2}$")


class PaymentMethod(BaseModel):
    """The token of a payment method."""

    token: str = Field(min_length=1, max_length=100)


class Contact(BaseModel):
    """How to reach a customer."""

    email: str = Field(min_length=3, max_length=254)


class RequestedLine(BaseModel):
    """A line of a request."""

    sku: str = Field(min_length=1, max_length=64)
    quantity: int = Field(ge=1, le=1000)


class OrderRequest(BaseModel):
    """An order as a customer sends it."""

    customer_id: str = Field(min_length=1, max_length=64)
    currency: str = Field(pattern="^[A-Z]{3}$")
    lines: list[RequestedLine] = Field(min_length=1, max_length=20)
    ship_to: Address
    contact: Contact
    payment_method: PaymentMethod


class PlaceOrder(BaseModel):
    """A request of the order function, with the client's own key."""

    order: OrderRequest
    idempotency_key: str = Field(min_length=1, max_length=100)


class Line(RequestedLine):
    """A line of an order, with its price in the minor unit."""

    unit_price: int = Field(ge=0)


class Order(BaseModel):
    """An order as all events carry it."""

    order_id: str
    customer_id: str
    placed_at: str
    lines: list[Line]
    total: int = Field(ge=0)
    currency: str
    ship_to: Address


class Metadata(BaseModel):
    """What is known about an event."""

    event_id: str
    correlation_id: str


class OrderCreated(BaseModel):
    """The detail of `OrderCreated`."""

    metadata: Metadata
    order: Order
    payment_method: PaymentMethod


class Payment(BaseModel):
    """A payment and its outcome."""

    payment_id: str
    status: Literal["SUCCEEDED", "DECLINED"]
    amount: int
    currency: str


class PaymentProcessed(BaseModel):
    """The detail of `PaymentProcessed`."""

    metadata: Metadata
    order: Order
    payment: Payment


class Reservation(BaseModel):
    """A reservation of all lines of an order, or that there were too few units."""

    reservation_id: str
    status: Literal["RESERVED", "OUT_OF_STOCK"]


class InventoryUpdated(BaseModel):
    """The detail of `InventoryUpdated`."""

    metadata: Metadata
    order: Order
    inventory: Reservation


class Shipment(BaseModel):
    """A shipment."""

    shipment_id: str
    status: Literal["PREPARED"]


class ShipmentPrepared(BaseModel):
    """The detail of `ShipmentPrepared`."""

    metadata: Metadata
    order: Order
    shipment: Shipment
