#include "common/topic.h"
#include "gateway/codec/mqtt_body.h"
#include "gateway/codec/mqtt_property.h"

#include "common/banned.h"

static const char share_prefix[] = "$share/";
#define SHARE_PREFIX_LEN (sizeof(share_prefix) - 1)

static bool is_shared(struct slice filter)
{
    return filter.len >= SHARE_PREFIX_LEN && memcmp(filter.at, share_prefix, SHARE_PREFIX_LEN) == 0;
}

/* `$share/{name}/{filter}`, section 4.8.2: both at least one character, no wildcard in the name. */
static bool shared_filter_valid(struct slice s)
{
    const char *name = s.at + SHARE_PREFIX_LEN, *end = s.at + s.len;
    const char *slash = memchr(name, '/', (size_t)(end - name));

    if (slash == NULL || slash == name || slash + 1 == end)
        return false;
    return topic_valid(name, (size_t)(slash - name)) &&
           filter_valid(slash + 1, (size_t)(end - slash - 1));
}

static void judge_filter(struct mqtt_filter *f)
{
    f->shared = is_shared(f->filter);
    if (f->shared ? !shared_filter_valid(f->filter) : !filter_valid(f->filter.at, f->filter.len))
        f->reason = MQTT_FILTER_INVALID;
}

static void read_options(struct mqtt_reader *r, enum mqtt_version version, struct mqtt_filter *f)
{
    uint8_t options = mqtt_read_u8(r);
    uint8_t reserved = version == MQTT_5 ? 0xC0 : 0xFC;

    f->qos = options & 0x03;
    f->no_local = options & 0x04;
    f->retain_as_published = options & 0x08;
    f->retain_handling = options >> 4 & 0x03;
    if (options & reserved)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "a reserved subscription option is set");
    else if (f->qos == 3)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a subscription with QoS 3");
    else if (f->retain_handling == 3)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a subscription with retain handling 3");
    else if (f->no_local && f->shared)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a shared subscription with No Local");
}

static void read_filter(struct mqtt_reader *r, enum mqtt_version version, bool with_options,
                        struct mqtt_filter *f)
{
    *f = (struct mqtt_filter){.filter = mqtt_read_string(r)};
    if (mqtt_reader_ok(r) && f->filter.len == 0)
        mqtt_reader_fail(r, MQTT_MALFORMED_PACKET, "an empty topic filter");
    if (!mqtt_reader_ok(r))
        return;
    judge_filter(f);
    if (with_options)
        read_options(r, version, f);
}

static void read_subscription_id(struct mqtt_properties rest, uint32_t *ret)
{
    struct mqtt_property p;

    while (mqtt_property_next(&rest, &p)) {
        if (p.id == PROPERTY_SUBSCRIPTION_ID)
            *ret = p.number;
    }
}

void mqtt_read_subscribe(struct mqtt_reader *r, enum mqtt_version version, enum mqtt_type type,
                         struct mqtt_subscribe *s)
{
    *s = (struct mqtt_subscribe){.packet_id = mqtt_read_packet_id(r)};
    if (version == MQTT_5)
        s->properties = mqtt_read_properties(r, type);
    if (mqtt_reader_ok(r)) {
        read_subscription_id(s->properties, &s->subscription_id);
        s->filters = (struct mqtt_filters){
            .at = r->at,
            .len = mqtt_reader_left(r),
            .version = version,
            .with_options = type == MQTT_SUBSCRIBE,
        };
    }
    while (mqtt_reader_left(r) > 0) {
        struct mqtt_filter f;

        read_filter(r, version, type == MQTT_SUBSCRIBE, &f);
        s->n_filters++;
        s->shared |= f.shared && f.reason == MQTT_SUCCESS;
    }
    if (s->n_filters == 0)
        mqtt_reader_fail(r, MQTT_PROTOCOL_ERROR, "a subscription to nothing");
}

bool mqtt_filter_next(struct mqtt_filters *rest, struct mqtt_filter *ret)
{
    struct mqtt_reader r;

    if (rest->len == 0)
        return false;
    mqtt_reader_init(&r, rest->at, rest->len);
    read_filter(&r, rest->version, rest->with_options, ret);
    rest->at = r.at;
    rest->len = mqtt_reader_left(&r);
    return mqtt_reader_ok(&r);
}
