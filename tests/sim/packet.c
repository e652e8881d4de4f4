#include "tests/sim/packet.h"

enum { BODY_MAX = 1024 * 1024, LENGTH_BYTES_MAX = 4, CLEAN_START = 2, RECEIVE_MAXIMUM = 0x21 };

/* --- Writing --------------------------------------------------------------------------------- */

static void put_u16(struct buf *out, size_t value)
{
    buf_append_char(out, (char)(value >> 8 & 0xff));
    buf_append_char(out, (char)(value & 0xff));
}

static void put_text(struct buf *out, struct slice text)
{
    put_u16(out, text.len);
    buf_append(out, text.data, text.len);
}

static void put_length(struct buf *out, size_t length)
{
    do {
        buf_append_char(out, (char)((length & 0x7f) | (length > 0x7f ? 0x80 : 0)));
        length >>= 7;
    } while (length);
}

static void put_packet(struct buf *out, unsigned first, struct buf *body)
{
    buf_append_char(out, (char)first);
    put_length(out, body->len);
    buf_append(out, body->data, body->len);
    buf_free(body);
}

static struct buf body_new(void)
{
    struct buf body;
    buf_init(&body, BODY_MAX);
    return body;
}

void packet_connect(struct buf *out, const char *client_id, uint16_t keepalive_s)
{
    struct buf body = body_new();
    put_text(&body, SLICE_LITERAL("MQTT"));
    buf_append_char(&body, 5);
    buf_append_char(&body, CLEAN_START);
    put_u16(&body, keepalive_s);
    put_length(&body, 3);
    buf_append_char(&body, RECEIVE_MAXIMUM);
    put_u16(&body, 16);
    put_text(&body, slice_of(client_id));
    put_packet(out, 0x10, &body);
}

void packet_subscribe(struct buf *out, uint16_t id, const char *filter)
{
    struct buf body = body_new();
    put_u16(&body, id);
    put_length(&body, 0);
    put_text(&body, slice_of(filter));
    buf_append_char(&body, 1);
    put_packet(out, 0x82, &body);
}

void packet_publish(struct buf *out, uint16_t id, const char *topic, struct slice payload,
                    bool retain, struct slice correlation)
{
    struct buf body = body_new();
    put_text(&body, slice_of(topic));
    put_u16(&body, id);
    put_length(&body, correlation.len ? correlation.len + 3 : 0);
    if (correlation.len) {
        buf_append_char(&body, 9);
        put_text(&body, correlation);
    }
    buf_append(&body, payload.data, payload.len);
    put_packet(out, 0x32 | (retain ? 1u : 0), &body);
}

void packet_puback(struct buf *out, uint16_t id)
{
    struct buf body = body_new();
    put_u16(&body, id);
    put_packet(out, 0x40, &body);
}

void packet_ping(struct buf *out)
{
    struct buf body = body_new();
    put_packet(out, 0xc0, &body);
}

void packet_disconnect(struct buf *out)
{
    struct buf body = body_new();
    put_packet(out, 0xe0, &body);
}

/* --- Reading --------------------------------------------------------------------------------- */

static bool take(struct slice *from, size_t len, struct slice *part)
{
    if (from->len < len)
        return false;
    *part = (struct slice){from->data, len};
    from->data += len;
    from->len -= len;
    return true;
}

static size_t u16_of(struct slice bytes)
{
    return (size_t)(uint8_t)bytes.data[0] << 8 | (uint8_t)bytes.data[1];
}

static bool take_text(struct slice *from, struct slice *text)
{
    struct slice length;
    return take(from, 2, &length) && take(from, u16_of(length), text);
}

/* How many bytes of a variable byte integer there are; 0: not whole, or none. */
static size_t read_length(struct slice from, size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < LENGTH_BYTES_MAX && i < from.len; i++) {
        *length |= (size_t)(from.data[i] & 0x7f) << (7 * i);
        if (!(from.data[i] & 0x80))
            return i + 1;
    }
    return 0;
}

/* Passes over a property's value; those of a PUBLISH (section 3.3.2.3). */
static bool take_property(struct slice *from, struct slice *correlation)
{
    struct slice id;
    struct slice value;
    size_t number;
    if (!take(from, 1, &id))
        return false;
    switch ((uint8_t)id.data[0]) {
    case 1:
        return take(from, 1, &value);
    case 2:
        return take(from, 4, &value);
    case 35:
        return take(from, 2, &value);
    case 11:
        return take(from, read_length(*from, &number), &value) && value.len > 0;
    case 9:
        return take_text(from, correlation);
    case 38:
        return take_text(from, &value) && take_text(from, &value);
    default: /* 3 content type, 8 response topic */
        return take_text(from, &value);
    }
}

static bool read_publish(struct slice body, unsigned flags, struct packet *packet)
{
    struct slice part;
    size_t length;
    packet->qos = (int)(flags >> 1 & 3);
    if (!take_text(&body, &packet->topic))
        return false;
    if (packet->qos) {
        if (!take(&body, 2, &part))
            return false;
        packet->id = (uint16_t)u16_of(part);
    }
    size_t bytes = read_length(body, &length);
    if (!bytes || !take(&body, bytes, &part) || !take(&body, length, &part))
        return false;
    while (part.len)
        if (!take_property(&part, &packet->correlation))
            return false;
    packet->payload = body;
    return true;
}

static bool read_rest(struct slice body, struct packet *packet)
{
    struct slice part;
    switch (packet->type) {
    case PACKET_CONNACK: /* flags, reason */
        if (!take(&body, 2, &part))
            return false;
        packet->reason = (uint8_t)part.data[1];
        return true;
    case PACKET_PUBACK: /* id, and a reason unless it is fine */
    case PACKET_SUBACK: /* id, properties, a reason: the last byte */
        if (!take(&body, 2, &part))
            return false;
        packet->id = (uint16_t)u16_of(part);
        if (body.len)
            packet->reason = (uint8_t)body.data[packet->type == PACKET_SUBACK ? body.len - 1 : 0];
        return true;
    default:
        packet->reason = body.len ? (uint8_t)body.data[0] : 0;
        return true;
    }
}

enum err packet_read(struct slice in, struct packet *packet, size_t *used)
{
    struct packet read = {.qos = 0};
    size_t length;
    *used = 0;
    if (in.len < 2)
        return ERR_OK;
    size_t bytes = read_length((struct slice){in.data + 1, in.len - 1}, &length);
    if (!bytes)
        return in.len > LENGTH_BYTES_MAX ? ERR_INVALID : ERR_OK;
    if (in.len - 1 - bytes < length)
        return ERR_OK;
    const struct slice body = {in.data + 1 + bytes, length};
    read.type = (enum packet_type)((uint8_t)in.data[0] >> 4);
    bool whole = read.type == PACKET_PUBLISH ? read_publish(body, (uint8_t)in.data[0], &read)
                                             : read_rest(body, &read);
    if (!whole)
        return ERR_INVALID;
    *packet = read;
    *used = 1 + bytes + length;
    return ERR_OK;
}
