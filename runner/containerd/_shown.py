"""Messages in short, as a trace shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from google.protobuf.descriptor import FieldDescriptor
    from google.protobuf.message import Message

_MOST_ITEMS: Final = 12
_MOST_TEXT: Final = 400
_ANY: Final = "google.protobuf.Any"
_TIME: Final = "google.protobuf.Timestamp"


def shown(message: Message) -> Any:
    """The fields that are set; blobs by their size, long lists and texts cut."""
    kind = message.DESCRIPTOR.full_name
    if kind == _ANY:
        return _any(message)
    if kind == _TIME:
        return message.ToJsonString()  # type: ignore[attr-defined]
    return {field.name: _field(field, value) for field, value in message.ListFields()}


def _field(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {str(key): _value(item) for key, item in list(value.items())[:_MOST_ITEMS]}
    if hasattr(value, "append"):
        items = [_value(item) for item in value[:_MOST_ITEMS]]
        more = len(value) - len(items)
        return [*items, f"… {more} more"] if more else items
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    return _value(value)


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    if isinstance(value, str):
        return value if len(value) <= _MOST_TEXT else f"{value[:_MOST_TEXT]}…"
    if isinstance(value, bool | int | float):
        return value
    return shown(value)


def _any(message: Any) -> dict[str, Any]:
    """What is packed goes by its type: an OCI specification has a place of its own in a trace."""
    return {"type_url": message.type_url, "value": f"<{len(message.value)} bytes>"}
