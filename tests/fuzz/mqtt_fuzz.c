/* A stream of MQTT packets as a client may send it. The first byte of an input chooses the version
 * that was agreed, or that CONNECT comes first. */
#include <errno.h>
#include <stdbool.h>

#include "common/topic.h"
#include "gateway/codec/mqtt_decode.h"
#include "gateway/codec/mqtt_encode.h"
#include "tests/fuzz/fuzz.h"

#include "common/banned.h"

#define MAX_SIZE 4096

static void use_user_properties(struct mqtt_properties rest)
{
    struct slice name, value;

    while (mqtt_user_property_next(&rest, &name, &value))
        CHECK(utf8_valid(name.at, name.len) && utf8_valid(value.at, value.len));
}

static void use_connect(const struct mqtt_connect *c)
{
    CHECK(c->version == MQTT_3_1_1 || c->version == MQTT_5);
    CHECK(utf8_valid(c->client_id.at, c->client_id.len));
    CHECK(c->receive_max > 0 && c->max_packet_size > 0);
    use_user_properties(c->properties);
    if (c->has_will) {
        CHECK(topic_valid(c->will.topic.at, c->will.topic.len) && c->will.qos < 3);
        use_user_properties(c->will.properties);
    }
}

static void use_subscribe(const struct mqtt_subscribe *s)
{
    struct mqtt_filters rest = s->filters;
    struct mqtt_filter f;
    size_t n = 0;

    CHECK(s->packet_id > 0 && s->n_filters > 0);
    while (mqtt_filter_next(&rest, &f)) {
        CHECK(f.filter.len > 0 && utf8_valid(f.filter.at, f.filter.len));
        CHECK(f.reason != MQTT_SUCCESS || filter_valid(f.filter.at, f.filter.len));
        CHECK(f.qos < 3 && f.retain_handling < 3);
        n++;
    }
    CHECK(n == s->n_filters);
    use_user_properties(s->properties);
}

static void use_publish(const struct mqtt_publish *p)
{
    CHECK(topic_valid(p->topic.at, p->topic.len));
    CHECK(p->qos < 3 && (p->qos == 0) == (p->packet_id == 0));
    use_user_properties(p->properties);
}

static void use_packet(const struct mqtt_packet *p)
{
    switch (p->type) {
    case MQTT_CONNECT:
        use_connect(&p->connect);
        break;
    case MQTT_SUBSCRIBE:
    case MQTT_UNSUBSCRIBE:
        use_subscribe(&p->subscribe);
        break;
    case MQTT_PUBLISH:
        use_publish(&p->publish);
        break;
    case MQTT_PUBACK:
    case MQTT_PUBREC:
    case MQTT_PUBREL:
    case MQTT_PUBCOMP:
        CHECK(p->ack.packet_id > 0);
        use_user_properties(p->ack.properties);
        break;
    case MQTT_DISCONNECT:
        use_user_properties(p->disconnect.properties);
        break;
    case MQTT_AUTH:
        CHECK(p->auth.method.at != NULL);
        break;
    default:
        CHECK(p->type == MQTT_PINGREQ);
        break;
    }
}

static void use_fault(const struct mqtt_fault *f)
{
    uint8_t buf[256];

    CHECK(f->reason >= 0x80 && f->why != NULL);
    CHECK(mqtt_encode_refusal(buf, sizeof(buf), f->version, f->reason, f->why) <= sizeof(buf));
    CHECK(mqtt_encode_disconnect(buf, sizeof(buf), f->version, f->reason, f->why) <= sizeof(buf));
}

/* A prefix of a packet needs more; of a fault it may be too short to show it, or is the same fault.
 */
static void check_prefix(const uint8_t *bytes, size_t len, enum mqtt_version version, long whole,
                         uint8_t reason)
{
    uint8_t *copy = fuzz_copy(bytes, len);
    struct mqtt_packet p;
    struct mqtt_fault f;
    long r = mqtt_decode(copy, len, version, MAX_SIZE, &p, &f);

    free(copy);
    CHECK(r == 0 || (whole == -EBADMSG && r == whole && f.reason == reason));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum mqtt_version version;

    if (size < 1)
        return 0;
    version = data[0] % 3 == 0 ? MQTT_UNKNOWN : data[0] % 3 == 1 ? MQTT_3_1_1 : MQTT_5;
    data++;
    size--;
    while (size > 0) {
        struct mqtt_packet p;
        struct mqtt_fault f = {0};
        long r = mqtt_decode(data, size, version, MAX_SIZE, &p, &f);
        size_t len = r > 0 ? (size_t)r : size;

        CHECK(r <= MAX_SIZE && len <= size);
        for (size_t cut = 0; cut < len; cut += 1 + len / 16)
            check_prefix(data, cut, version, r, f.reason);
        if (r < 0)
            use_fault(&f);
        if (r <= 0)
            break;
        use_packet(&p);
        if (p.type == MQTT_CONNECT)
            version = p.connect.version;
        data += len;
        size -= len;
    }
    return 0;
}
