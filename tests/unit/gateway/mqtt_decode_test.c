#include <errno.h>
#include <stdbool.h>

#include "gateway/codec/mqtt_decode.h"
#include "tests/unit/gateway/wire.h"

#include "common/banned.h"

/* One packet and what the decoder is to say of it. Names carry the normative statement they check,
 * as the specifications number them (of MQTT 5 where both have it). */
struct packet_case {
    const char *name;
    enum mqtt_version version; /* of the connection; MQTT_UNKNOWN before CONNECT */
    const char *packet;
    uint8_t reason;           /* MQTT_SUCCESS: a right packet */
    enum mqtt_version answer; /* in which a refused CONNECT is to be answered */
};

#define MAX_SIZE 1000000

static long decode(const uint8_t *bytes, size_t len, enum mqtt_version version,
                   struct mqtt_fault *fault)
{
    struct mqtt_packet packet;
    uint8_t *copy = exact_copy(bytes, len);
    long r = mqtt_decode(copy, len, version, MAX_SIZE, &packet, fault);

    free(copy);
    return r;
}

/* A prefix needs more, or is already at fault and then for the same reason as the whole. Of a long
 * packet every prefix that cuts its beginning is tried, and a hundred more. */
static void check_prefixes(const struct packet_case *c, const uint8_t *bytes, size_t len)
{
    bool failed = false;

    for (size_t cut = 0; cut < len; cut += cut < 1000 ? 1 : 1 + len / 100) {
        struct mqtt_fault fault = {0};
        long r = decode(bytes, cut, c->version, &fault);

        if (r == 0 && !failed)
            continue;
        failed = true;
        if (r != -EBADMSG || fault.reason != c->reason)
            fail_msg("cut at %zu: result %ld, reason 0x%02x", cut, r, fault.reason);
    }
}

static void packet_is_judged(void **state)
{
    static uint8_t bytes[WIRE_MAX];
    const struct packet_case *c = *state;
    size_t len = wire(c->packet, bytes);
    struct mqtt_fault fault = {0};
    long r = decode(bytes, len, c->version, &fault);

    if (c->reason == MQTT_SUCCESS) {
        if (r != (long)len)
            fail_msg("result %ld of %zu, reason 0x%02x, %s", r, len, fault.reason, fault.why);
        bytes[len] = 0xFF; /* the packet that follows is not touched */
        assert_int_equal(decode(bytes, len + 1, c->version, &fault), len);
    } else {
        if (r != -EBADMSG || fault.reason != c->reason)
            fail_msg("result %ld, reason 0x%02x, %s", r, fault.reason, fault.why);
        assert_int_equal(fault.version, c->version == MQTT_UNKNOWN ? c->answer : c->version);
        assert_non_null(fault.why);
    }
    check_prefixes(c, bytes, len);
}

static const struct packet_case connect_cases[] = {
    /* right ones */
    {"3.1.1: the least CONNECT", 0, "10 [ ('MQTT') 04 02 0000 () ]", 0, 0},
    {"3.1.1: a kept session", 0, "10 [ ('MQTT') 04 00 ffff ('c') ]", 0, 0},
    {"3.1.1: everything", 0, "10 [ ('MQTT') 04 f6 003c ('c') ('w/t') (00ff) ('u') (00) ]", 0, 0},
    {"3.1.1: an empty will message", 0, "10 [ ('MQTT') 04 06 003c ('c') ('w') () ]", 0, 0},
    {"3.1.1: a user without a password", 0, "10 [ ('MQTT') 04 82 003c ('c') ('u') ]", 0, 0},
    {"3.1.1: an empty user and password", 0, "10 [ ('MQTT') 04 c2 003c ('c') () () ]", 0, 0},
    {"3.1.1: a client identifier of 65535 bytes", 0, "10 [ ('MQTT') 04 02 003c ('x'*65535) ]", 0,
     0},
    {"3.1.1 lets a length be longer than it needs", 0, "10 8d00 ('MQTT') 04 02 0000 ('c')", 0, 0},
    {"5: the least CONNECT", 0, "10 [ ('MQTT') 05 02 0000 00 () ]", 0, 0},
    {"5: a zero client identifier without clean start [MQTT-3.1.3-6]", 0,
     "10 [ ('MQTT') 05 00 0000 00 () ]", 0, 0},
    {"5: a password without a user name", 0, "10 [ ('MQTT') 05 42 003c 00 ('c') ('p') ]", 0, 0},
    {"5: everything", 0,
     "10 [ ('MQTT') 05 f6 003c"
     "     [ 11 ffffffff 21 0001 27 00000001 22 ffff 19 01 17 00 26 ('a') ('b') 26 ('a') ('b')"
     "       15 ('m') 16 (00) ]"
     "     ('c') [ 18 0000000a 01 01 02 00000001 03 ('t') 08 ('r') 09 (ff) 26 () () ]"
     "     ('w') ('m') ('u') ('p') ]",
     0, 0},
    {"a byte order mark is kept [MQTT-1.5.4-3]", 0, "10 [ ('MQTT') 05 02 0000 00 (efbbbf) ]", 0, 0},
    {"characters of two, three and four bytes", 0,
     "10 [ ('MQTT') 05 02 0000 00 (c2a0 e0a080 ed9fbf ee8080 f0908080 f48fbfbf) ]", 0, 0},

    /* protocol name and level */
    {"[MQTT-3.1.2-1] another protocol name", 0, "10 [ ('MQTX') 04 02 003c ('c') ]", 0x84, 0},
    {"[MQTT-3.1.2-1] the name in lower case", 0, "10 [ ('mqtt') 04 02 003c ('c') ]", 0x84, 0},
    {"[MQTT-3.1.2-1] an empty name", 0, "10 [ () 04 02 003c ('c') ]", 0x84, 0},
    {"[MQTT-3.1.2-2] version 3.1", 0, "10 [ ('MQIsdp') 03 02 003c ('c') ]", 0x84, MQTT_3_1_1},
    {"[MQTT-3.1.2-2] level 4 under the old name", 0, "10 [ ('MQIsdp') 04 02 003c ('c') ]", 0x84,
     MQTT_3_1_1},
    {"[MQTT-3.1.2-2] level 3", 0, "10 [ ('MQTT') 03 02 003c ('c') ]", 0x84, MQTT_3_1_1},
    {"[MQTT-3.1.2-2] level 6", 0, "10 [ ('MQTT') 06 02 003c 00 ('c') ]", 0x84, MQTT_3_1_1},
    {"[MQTT-3.1.2-2] level 0", 0, "10 [ ('MQTT') 00 02 003c ('c') ]", 0x84, MQTT_3_1_1},
    {"[MQTT-3.1.2-2] a bridge's level", 0, "10 [ ('MQTT') 84 02 003c ('c') ]", 0x84, MQTT_3_1_1},

    /* connect flags */
    {"3.1.1 [MQTT-3.1.2-3] reserved flag", 0, "10 [ ('MQTT') 04 03 003c ('c') ]", 0x81, 4},
    {"5 [MQTT-3.1.2-3] reserved flag", 0, "10 [ ('MQTT') 05 03 003c 00 ('c') ]", 0x81, 5},
    {"3.1.1 [MQTT-3.1.2-11] will QoS without a will", 0, "10 [ ('MQTT') 04 0a 003c ('c') ]", 0x81,
     4},
    {"5 [MQTT-3.1.2-11] will QoS without a will", 0, "10 [ ('MQTT') 05 12 003c 00 ('c') ]", 0x81,
     5},
    {"3.1.1 [MQTT-3.1.2-14] will QoS 3", 0, "10 [ ('MQTT') 04 1e 003c ('c') ('w') ('m') ]", 0x81,
     4},
    {"5 [MQTT-3.1.2-12] will QoS 3", 0, "10 [ ('MQTT') 05 1e 003c 00 ('c') 00 ('w') ('m') ]", 0x81,
     5},
    {"3.1.1 [MQTT-3.1.2-15] will retain without a will", 0, "10 [ ('MQTT') 04 22 003c ('c') ]",
     0x81, 4},
    {"5 [MQTT-3.1.2-13] will retain without a will", 0, "10 [ ('MQTT') 05 22 003c 00 ('c') ]", 0x81,
     5},
    {"3.1.1 [MQTT-3.1.2-22] a password without a user name", 0,
     "10 [ ('MQTT') 04 42 003c ('c') ('p') ]", 0x81, 4},

    /* payload */
    {"3.1.1 [MQTT-3.1.3-3] no client identifier", 0, "10 [ ('MQTT') 04 02 003c ]", 0x81, 4},
    {"5 [MQTT-3.1.3-3] no client identifier", 0, "10 [ ('MQTT') 05 02 003c 00 ]", 0x81, 5},
    {"3.1.1 [MQTT-3.1.3-8] a zero client identifier for a kept session", 0,
     "10 [ ('MQTT') 04 00 003c () ]", 0x85, 4},
    {"3.1.1 [MQTT-3.1.3-10] a will that is not there", 0, "10 [ ('MQTT') 04 06 003c ('c') ]", 0x81,
     4},
    {"3.1.1 [MQTT-3.1.2-19] a user name that is not there", 0, "10 [ ('MQTT') 04 82 003c ('c') ]",
     0x81, 4},
    {"3.1.1 [MQTT-3.1.2-18] a user name without its flag", 0,
     "10 [ ('MQTT') 04 02 003c ('c') ('u') ]", 0x81, 4},
    {"3.1.1 [MQTT-3.1.2-21] a password that is not there", 0,
     "10 [ ('MQTT') 04 c2 003c ('c') ('u') ]", 0x81, 4},
    {"5 [MQTT-3.1.2-17] a user name that is not there", 0, "10 [ ('MQTT') 05 82 003c 00 ('c') ]",
     0x81, 5},
    {"5 [MQTT-3.1.2-16] a user name without its flag", 0,
     "10 [ ('MQTT') 05 02 003c 00 ('c') ('u') ]", 0x81, 5},
    {"a byte left over", 0, "10 [ ('MQTT') 04 02 003c ('c') 00 ]", 0x81, 4},
    {"a will topic with a wildcard", 0, "10 [ ('MQTT') 05 06 003c 00 ('c') 00 ('w/#') ('m') ]",
     0x90, 5},
    {"[MQTT-4.7.3-1] an empty will topic", 0, "10 [ ('MQTT') 05 06 003c 00 ('c') 00 () ('m') ]",
     0x82, 5},
    {"5: will properties in a CONNECT without a will", 0, "10 [ ('MQTT') 05 02 003c 00 ('c') 00 ]",
     0x81, 5},

    /* strings */
    {"[MQTT-1.5.4-1] an overlong character", 0, "10 [ ('MQTT') 04 02 003c (c0af) ]", 0x81, 4},
    {"[MQTT-1.5.4-1] a surrogate", 0, "10 [ ('MQTT') 04 02 003c (eda080) ]", 0x81, 4},
    {"[MQTT-1.5.4-1] beyond U+10FFFF", 0, "10 [ ('MQTT') 05 02 003c 00 (f4908080) ]", 0x81, 5},
    {"[MQTT-1.5.4-1] half a character", 0, "10 [ ('MQTT') 05 02 003c 00 (c3) ]", 0x81, 5},
    {"[MQTT-1.5.4-1] a stray continuation", 0, "10 [ ('MQTT') 05 02 003c 00 (80) ]", 0x81, 5},
    {"[MQTT-1.5.4-2] U+0000 in a client identifier", 0, "10 [ ('MQTT') 04 02 003c (610062) ]", 0x81,
     4},
    {"[MQTT-1.5.4-2] U+0000 in a user name", 0, "10 [ ('MQTT') 04 82 003c ('c') (00) ]", 0x81, 4},
    {"[MQTT-1.5.4-1] a will topic that is not UTF-8", 0,
     "10 [ ('MQTT') 04 06 003c ('c') (ff) ('m') ]", 0x81, 4},

    /* values of properties */
    {"5: receive maximum 0", 0, "10 [ ('MQTT') 05 02 003c [ 21 0000 ] ('c') ]", 0x82, 5},
    {"5: maximum packet size 0", 0, "10 [ ('MQTT') 05 02 003c [ 27 00000000 ] ('c') ]", 0x82, 5},
    {"5: request problem information 2", 0, "10 [ ('MQTT') 05 02 003c [ 17 02 ] ('c') ]", 0x82, 5},
    {"5: request response information 2", 0, "10 [ ('MQTT') 05 02 003c [ 19 02 ] ('c') ]", 0x82, 5},
    {"5: authentication data without a method", 0, "10 [ ('MQTT') 05 02 003c [ 16 ('d') ] ('c') ]",
     0x82, 5},
    {"5: a payload format of the will of 2", 0,
     "10 [ ('MQTT') 05 06 003c 00 ('c') [ 01 02 ] ('w') ('m') ]", 0x82, 5},
    {"5: a response topic of the will with a wildcard", 0,
     "10 [ ('MQTT') 05 06 003c 00 ('c') [ 08 ('a/+') ] ('w') ('m') ]", 0x82, 5},
    {"5: a will property among those of CONNECT", 0,
     "10 [ ('MQTT') 05 06 003c [ 18 00000001 ] ('c') 00 ('w') ('m') ]", 0x81, 5},
    {"5: a CONNECT property among those of the will", 0,
     "10 [ ('MQTT') 05 06 003c 00 ('c') [ 21 0001 ] ('w') ('m') ]", 0x81, 5},
    {"5: an unknown property", 0, "10 [ ('MQTT') 05 02 003c [ 7f 00 ] ('c') ]", 0x81, 5},
    {"5: a property number of two bytes", 0, "10 [ ('MQTT') 05 02 003c [ 8000 00 ] ('c') ]", 0x81,
     5},
    {"5: a property list longer than the packet", 0, "10 [ ('MQTT') 05 02 003c 7f ('c') ]", 0x81,
     5},
    {"5: a property cut off by its list", 0, "10 [ ('MQTT') 05 02 003c [ 21 00 ] ('c') ]", 0x81, 5},
    {"5 [MQTT-1.5.5-1] a property list whose length is too long", 0,
     "10 [ ('MQTT') 05 02 003c 8000 ('c') ]", 0x81, 5},
    {"5: a property list whose length never ends", 0, "10 [ ('MQTT') 05 02 003c 8080808001 ('c') ]",
     0x81, 5},
    {"5: no property list", 0, "10 [ ('MQTT') 05 02 003c ]", 0x81, 5},
    {"5 [MQTT-1.5.4-1] a user property that is not UTF-8", 0,
     "10 [ ('MQTT') 05 02 003c [ 26 ('a') (ff) ] ('c') ]", 0x81, 5},

    /* the fixed header */
    {"[MQTT-2.1.3-1] reserved flags of CONNECT", 0, "11 [ ('MQTT') 04 02 003c ('c') ]", 0x81, 0},
    {"5 [MQTT-1.5.5-1] a remaining length longer than it needs", 0,
     "10 8e00 ('MQTT') 05 02 0000 00 ('c')", 0x81, 5},
    {"a remaining length of five bytes", 0, "10 8080808001 ('MQTT') 04 02 003c ('c')", 0x81, 0},
    {"an empty CONNECT", 0, "10 00", 0x81, 0},
    {"[MQTT-3.1.0-2] a second CONNECT, 3.1.1", 4, "10 [ ('MQTT') 04 02 003c ('c') ]", 0x82, 0},
    {"[MQTT-3.1.0-2] a second CONNECT, 5", 5, "10 [ ('MQTT') 05 02 003c 00 ('c') ]", 0x82, 0},
    {"[MQTT-3.1.0-1] SUBSCRIBE first", 0, "82 [ 0001 ('a') 00 ]", 0x82, 0},
    {"[MQTT-3.1.0-1] PINGREQ first", 0, "c0 00", 0x82, 0},
    {"[MQTT-3.1.0-1] PUBLISH first", 0, "30 [ ('a') ]", 0x82, 0},
    {"[MQTT-3.1.0-1] DISCONNECT first", 0, "e0 00", 0x82, 0},
    {"[MQTT-3.1.0-1] AUTH first", 0, "f0 00", 0x82, 0},
    {"HTTP in place of MQTT", 0, "'GET / HTTP/1.1'", 0x82, 0},
};

static const struct packet_case subscribe_cases[] = {
    {"3.1.1: one filter", 4, "82 [ 0001 ('stocks/+') 00 ]", 0, 0},
    {"3.1.1: three filters", 4, "82 [ ffff ('#') 00 ('a/#') 01 ('+/b') 02 ]", 0, 0},
    {"5: one filter", 5, "82 [ 0001 00 ('stocks/+') 00 ]", 0, 0},
    {"5: all options", 5, "82 [ 0001 00 ('a') 2e ('b') 1c ]", 0, 0},
    {"5: a subscription identifier", 5, "82 [ 0001 [ 0b ffffff7f ] ('a') 00 ]", 0, 0},
    {"5: user properties", 5, "82 [ 0001 [ 26 ('max-rate') ('2') 26 ('a') () ] ('a') 00 ]", 0, 0},
    {"a filter of 65535 bytes", 4, "82 [ 0001 ('x'*65535) 00 ]", 0, 0},
    {"a misplaced wildcard is for SUBACK to tell", 4, "82 [ 0001 ('a#') 00 ]", 0, 0},

    {"3.1.1 [MQTT-3.8.1-1] flags 0", 4, "80 [ 0001 ('a') 00 ]", 0x81, 0},
    {"5 [MQTT-3.8.1-1] flags 0", 5, "80 [ 0001 00 ('a') 00 ]", 0x81, 0},
    {"5 [MQTT-3.8.1-1] flags 3", 5, "83 [ 0001 00 ('a') 00 ]", 0x81, 0},
    {"3.1.1 [MQTT-2.3.1-1] packet identifier 0", 4, "82 [ 0000 ('a') 00 ]", 0x82, 0},
    {"5 [MQTT-2.2.1-3] packet identifier 0", 5, "82 [ 0000 00 ('a') 00 ]", 0x82, 0},
    {"3.1.1 [MQTT-3.8.3-3] no filter", 4, "82 [ 0001 ]", 0x82, 0},
    {"5 [MQTT-3.8.3-2] no filter", 5, "82 [ 0001 00 ]", 0x82, 0},
    {"nothing at all", 4, "82 00", 0x81, 0},
    {"3.1.1 [MQTT-3.8.3-4] QoS 3", 4, "82 [ 0001 ('a') 03 ]", 0x82, 0},
    {"3.1.1 [MQTT-3.8.3-4] reserved bits", 4, "82 [ 0001 ('a') 04 ]", 0x81, 0},
    {"3.1.1 [MQTT-3.8.3-4] reserved bits in a later filter", 4, "82 [ 0001 ('a') 00 ('b') 80 ]",
     0x81, 0},
    {"5: QoS 3", 5, "82 [ 0001 00 ('a') 03 ]", 0x82, 0},
    {"5 [MQTT-3.8.3-5] reserved bits", 5, "82 [ 0001 00 ('a') 40 ]", 0x81, 0},
    {"5 [MQTT-3.8.3-5] the other reserved bit", 5, "82 [ 0001 00 ('a') 80 ]", 0x81, 0},
    {"5: retain handling 3", 5, "82 [ 0001 00 ('a') 30 ]", 0x82, 0},
    {"5 [MQTT-3.8.3-4] No Local on a shared subscription", 5, "82 [ 0001 00 ('$share/g/a') 04 ]",
     0x82, 0},
    {"[MQTT-3.8.3-1] a filter that is not UTF-8", 4, "82 [ 0001 (ff) 00 ]", 0x81, 0},
    {"[MQTT-4.7.3-2] a filter with U+0000", 5, "82 [ 0001 00 ('a' 00) 00 ]", 0x81, 0},
    {"[MQTT-4.7.3-1] an empty filter", 4, "82 [ 0001 () 00 ]", 0x81, 0},
    {"a filter without options", 4, "82 [ 0001 ('a') ]", 0x81, 0},
    {"a filter cut off", 4, "82 [ 0001 0005 'abc' ]", 0x81, 0},
    {"5: subscription identifier 0", 5, "82 [ 0001 [ 0b 00 ] ('a') 00 ]", 0x82, 0},
    {"5: two subscription identifiers", 5, "82 [ 0001 [ 0b 01 0b 01 ] ('a') 00 ]", 0x82, 0},
    {"5 [MQTT-1.5.5-1] a subscription identifier longer than it needs", 5,
     "82 [ 0001 [ 0b 8100 ] ('a') 00 ]", 0x81, 0},
    {"5: a subscription identifier of five bytes", 5, "82 [ 0001 [ 0b 8080808001 ] ('a') 00 ]",
     0x81, 0},

    {"3.1.1: UNSUBSCRIBE", 4, "a2 [ 0001 ('a') ('b/#') ]", 0, 0},
    {"5: UNSUBSCRIBE", 5, "a2 [ 0001 [ 26 ('a') ('b') ] ('a') ]", 0, 0},
    {"[MQTT-3.10.1-1] flags of UNSUBSCRIBE", 4, "a0 [ 0001 ('a') ]", 0x81, 0},
    {"3.1.1 [MQTT-3.10.3-2] UNSUBSCRIBE of nothing", 4, "a2 [ 0001 ]", 0x82, 0},
    {"5 [MQTT-3.10.3-2] UNSUBSCRIBE of nothing", 5, "a2 [ 0001 00 ]", 0x82, 0},
    {"UNSUBSCRIBE with packet identifier 0", 4, "a2 [ 0000 ('a') ]", 0x82, 0},
    {"[MQTT-3.10.3-1] UNSUBSCRIBE that is not UTF-8", 4, "a2 [ 0001 (c080) ]", 0x81, 0},
    {"5: UNSUBSCRIBE with a subscription identifier", 5, "a2 [ 0001 [ 0b 01 ] ('a') ]", 0x81, 0},
};

static const struct packet_case publish_cases[] = {
    {"3.1.1: QoS 0", 4, "30 [ ('a/b') 'payload' ]", 0, 0},
    {"3.1.1: no payload, retained", 4, "31 [ ('a') ]", 0, 0},
    {"3.1.1: QoS 1, a repetition", 4, "3a [ ('a') 0001 'x' ]", 0, 0},
    {"3.1.1: QoS 2", 4, "34 [ ('a') ffff ]", 0, 0},
    {"5: QoS 0", 5, "30 [ ('a') 00 'x' ]", 0, 0},
    {"5: all properties", 5,
     "30 [ ('a') [ 01 00 02 00000000 03 () 08 ('r') 09 () 26 ('a') ('b') ] 'x' ]", 0, 0},
    {"a payload of 300,000 bytes", 4, "30 [ ('a') 'x'*300000 ]", 0, 0},

    {"[MQTT-3.3.1-4] QoS 3", 4, "36 [ ('a') 0001 'x' ]", 0x81, 0},
    {"[MQTT-3.3.1-4] QoS 3, 5", 5, "36 [ ('a') 0001 00 'x' ]", 0x81, 0},
    {"[MQTT-3.3.1-2] DUP with QoS 0", 4, "38 [ ('a') 'x' ]", 0x81, 0},
    {"[MQTT-2.2.1-3] packet identifier 0", 4, "32 [ ('a') 0000 'x' ]", 0x82, 0},
    {"no packet identifier", 4, "32 [ ('a') ]", 0x81, 0},
    {"[MQTT-3.3.2-2] a wildcard in the topic", 4, "30 [ ('a/+') 'x' ]", 0x90, 0},
    {"[MQTT-3.3.2-2] a wildcard in the topic, 5", 5, "30 [ ('#') 00 'x' ]", 0x90, 0},
    {"[MQTT-4.7.3-1] an empty topic", 4, "30 [ () 'x' ]", 0x82, 0},
    {"5 [MQTT-3.3.2-8] an empty topic without an alias", 5, "30 [ () 00 'x' ]", 0x82, 0},
    {"[MQTT-3.3.2-1] a topic that is not UTF-8", 4, "30 [ (c328) 'x' ]", 0x81, 0},
    {"[MQTT-4.7.3-2] a topic with U+0000", 4, "30 [ (6100) 'x' ]", 0x81, 0},
    {"no topic", 4, "30 00", 0x81, 0},
    {"5: topic alias 0 [MQTT-3.3.2-8]", 5, "30 [ ('a') [ 23 0000 ] 'x' ]", 0x94, 0},
    {"5: a topic alias over the maximum [MQTT-3.3.2-9]", 5, "30 [ ('a') [ 23 0001 ] 'x' ]", 0x94,
     0},
    {"5 [MQTT-3.3.4-6] a subscription identifier from a client", 5, "30 [ ('a') [ 0b 01 ] 'x' ]",
     0x82, 0},
    {"5 [MQTT-3.3.2-14] a wildcard in the response topic", 5, "30 [ ('a') [ 08 ('#') ] 'x' ]", 0x82,
     0},
    {"5 [MQTT-3.3.2-13] a response topic that is not UTF-8", 5, "30 [ ('a') [ 08 (ff) ] 'x' ]",
     0x81, 0},
    {"5: payload format 2", 5, "30 [ ('a') [ 01 02 ] 'x' ]", 0x82, 0},
    {"5: no property list", 5, "30 [ ('a') ]", 0x81, 0},
};

static const struct packet_case other_cases[] = {
    {"3.1.1: PUBACK", 4, "40 [ 0001 ]", 0, 0},
    {"3.1.1: PUBREL", 4, "62 [ 0001 ]", 0, 0},
    {"5: PUBACK without a reason", 5, "40 [ 0001 ]", 0, 0},
    {"5: PUBREC with a reason", 5, "50 [ 0001 10 ]", 0, 0},
    {"5: PUBREL with properties", 5, "62 [ 0001 92 [ 1f ('why') 26 ('a') ('b') ] ]", 0, 0},
    {"5: PUBCOMP with an empty list", 5, "70 [ 0001 00 00 ]", 0, 0},
    {"[MQTT-2.1.3-1] flags of PUBACK", 4, "42 [ 0001 ]", 0x81, 0},
    {"[MQTT-2.1.3-1] flags of PUBREC", 4, "51 [ 0001 ]", 0x81, 0},
    {"[MQTT-3.6.1-1] flags of PUBREL", 4, "60 [ 0001 ]", 0x81, 0},
    {"[MQTT-2.1.3-1] flags of PUBCOMP", 4, "78 [ 0001 ]", 0x81, 0},
    {"PUBACK with packet identifier 0", 4, "40 [ 0000 ]", 0x82, 0},
    {"PUBACK cut off", 4, "40 [ 00 ]", 0x81, 0},
    {"3.1.1: PUBACK with a reason", 4, "40 [ 0001 00 ]", 0x81, 0},
    {"5 [MQTT-3.4.2-1] a reason that PUBACK has not", 5, "40 [ 0001 92 ]", 0x82, 0},
    {"5 [MQTT-3.6.2-1] a reason that PUBREL has not", 5, "62 [ 0001 80 ]", 0x82, 0},
    {"5: PUBACK with a property of another packet", 5, "40 [ 0001 00 [ 21 0001 ] ]", 0x81, 0},

    {"PINGREQ", 4, "c0 00", 0, 0},
    {"PINGREQ, 5", 5, "c0 00", 0, 0},
    {"[MQTT-2.1.3-1] flags of PINGREQ", 4, "c1 00", 0x81, 0},
    {"PINGREQ with a body", 4, "c0 [ 00 ]", 0x81, 0},

    {"3.1.1: DISCONNECT", 4, "e0 00", 0, 0},
    {"5: DISCONNECT", 5, "e0 00", 0, 0},
    {"5: DISCONNECT with a reason", 5, "e0 [ 04 ]", 0, 0},
    {"5: DISCONNECT with an empty list", 5, "e0 [ 00 00 ]", 0, 0},
    {"5: DISCONNECT with properties", 5, "e0 [ 80 [ 11 00000000 1f ('why') 26 () () ] ]", 0, 0},
    {"[MQTT-3.14.1-1] flags of DISCONNECT", 4, "e1 00", 0x81, 0},
    {"3.1.1: DISCONNECT with a reason", 4, "e0 [ 00 ]", 0x81, 0},
    {"5 [MQTT-3.14.2-1] a server's reason", 5, "e0 [ 8b ]", 0x82, 0},
    {"5 [MQTT-3.14.2-1] an unknown reason", 5, "e0 [ 01 ]", 0x82, 0},
    {"5: a server reference from a client", 5, "e0 [ 00 [ 1c ('s') ] ]", 0x81, 0},
    {"5: DISCONNECT with bytes left over", 5, "e0 [ 00 00 00 ]", 0x81, 0},

    {"5: AUTH", 5, "f0 [ 18 [ 15 ('m') 16 ('d') ] ]", 0, 0},
    {"5: AUTH again", 5, "f0 [ 19 [ 15 ('m') 1f ('why') 26 ('a') ('b') ] ]", 0, 0},
    {"5 [MQTT-3.15.1-1] flags of AUTH", 5, "f1 [ 18 [ 15 ('m') ] ]", 0x81, 0},
    {"5 [MQTT-3.15.2-1] AUTH of success is a server's", 5, "f0 00", 0x82, 0},
    {"5: AUTH without a method", 5, "f0 [ 18 00 ]", 0x82, 0},
    {"5: AUTH without properties", 5, "f0 [ 18 ]", 0x81, 0},
    {"3.1.1: type 15", 4, "f0 00", 0x81, 0},

    {"CONNACK from a client", 4, "20 [ 0000 ]", 0x82, 0},
    {"SUBACK from a client", 5, "90 [ 0001 00 00 ]", 0x82, 0},
    {"UNSUBACK from a client", 4, "b0 [ 0001 ]", 0x82, 0},
    {"PINGRESP from a client", 5, "d0 00", 0x82, 0},
    {"type 0", 4, "00 00", 0x81, 0},
    {"type 0, 5", 5, "00 00", 0x81, 0},

    {"5 [MQTT-1.5.5-1] a remaining length longer than it needs", 5, "c0 8000", 0x81, 0},
    {"3.1.1 lets a length be longer than it needs", 4, "c0 8000", 0, 0},
    {"a remaining length of five bytes", 4, "30 ffffffff 01", 0x81, 0},
    {"a packet over the limit", 4, "30 ffffff7f", 0x95, 0},
    {"a packet over the limit, 5", 5, "30 ffffff7f", 0x95, 0},
};

/* ---- what the decoder gives ---- */

static struct mqtt_packet decoded(const char *text, enum mqtt_version version)
{
    static uint8_t bytes[WIRE_MAX];
    struct mqtt_packet packet;
    struct mqtt_fault fault = {0};
    size_t len = wire(text, bytes);

    assert_int_equal(mqtt_decode(bytes, len, version, MAX_SIZE, &packet, &fault), len);
    return packet;
}

#define assert_slice(slice, text) assert_true(slice_is((slice), (text)))

static void a_least_connect_has_the_defaults(void **state)
{
    struct mqtt_packet p = decoded("10 [ ('MQTT') 05 00 0000 00 () ]", MQTT_UNKNOWN);
    const struct mqtt_connect *c = &p.connect;

    (void)state;
    assert_int_equal(p.type, MQTT_CONNECT);
    assert_int_equal(c->version, MQTT_5);
    assert_false(c->clean_start);
    assert_int_equal(c->keep_alive_s, 0);
    assert_int_equal(c->client_id.len, 0);
    assert_null(c->username.at);
    assert_null(c->password.at);
    assert_false(c->has_will);
    assert_int_equal(c->session_expiry_s, 0);
    assert_int_equal(c->receive_max, 65535);
    assert_int_equal(c->max_packet_size, UINT32_MAX);
    assert_int_equal(c->topic_alias_max, 0);
    assert_false(c->request_response);
    assert_true(c->request_problem);
    assert_null(c->auth_method.at);
    assert_null(c->auth_data.at);
}

static void a_full_connect_is_given_whole(void **state)
{
    struct mqtt_packet p = decoded(
        "10 [ ('MQTT') 05 ee 1234"
        "     [ 11 00000e10 21 0014 27 00001000 22 000a 19 01 17 00 26 ('k') ('v') 15 ('SCRAM')"
        "       16 (0001) ]"
        "     ('reader') [ 18 0000003c 26 ('wk') ('wv') ] ('status/x') ('gone') ('ann')"
        "     ('secret') ]",
        MQTT_UNKNOWN);
    struct mqtt_connect *c = &p.connect;
    struct slice name, value;

    (void)state;
    assert_true(c->clean_start);
    assert_int_equal(c->keep_alive_s, 0x1234);
    assert_slice(c->client_id, "reader");
    assert_slice(c->username, "ann");
    assert_slice(c->password, "secret");
    assert_int_equal(c->session_expiry_s, 3600);
    assert_int_equal(c->receive_max, 20);
    assert_int_equal(c->max_packet_size, 4096);
    assert_int_equal(c->topic_alias_max, 10);
    assert_true(c->request_response);
    assert_false(c->request_problem);
    assert_slice(c->auth_method, "SCRAM");
    assert_int_equal(c->auth_data.len, 2);
    assert_true(c->has_will);
    assert_slice(c->will.topic, "status/x");
    assert_slice(c->will.payload, "gone");
    assert_int_equal(c->will.qos, 1);
    assert_true(c->will.retain);
    assert_int_equal(c->will.delay_s, 60);
    assert_true(mqtt_user_property_next(&c->properties, &name, &value));
    assert_slice(name, "k");
    assert_slice(value, "v");
    assert_false(mqtt_user_property_next(&c->properties, &name, &value));
    assert_true(mqtt_user_property_next(&c->will.properties, &name, &value));
    assert_slice(name, "wk");
    assert_false(mqtt_user_property_next(&c->will.properties, &name, &value));
}

static void filters_are_given_one_after_the_other(void **state)
{
    struct mqtt_packet p = decoded("82 [ 0102 [ 26 ('max-rate') ('2') 0b 8001 26 ('x') ('y') ]"
                                   "     ('stocks/+') 00 ('a/#') 2e ('$SYS/x') 11 ]",
                                   MQTT_5);
    struct mqtt_subscribe *s = &p.subscribe;
    struct mqtt_filter f;
    struct slice name, value;

    (void)state;
    assert_int_equal(s->packet_id, 0x0102);
    assert_int_equal(s->subscription_id, 128);
    assert_int_equal(s->n_filters, 3);
    assert_true(mqtt_user_property_next(&s->properties, &name, &value));
    assert_slice(name, "max-rate");
    assert_slice(value, "2");
    assert_true(mqtt_user_property_next(&s->properties, &name, &value));
    assert_false(mqtt_user_property_next(&s->properties, &name, &value));

    assert_true(mqtt_filter_next(&s->filters, &f));
    assert_slice(f.filter, "stocks/+");
    assert_int_equal(f.qos, 0);
    assert_false(f.no_local || f.retain_as_published || f.shared);
    assert_int_equal(f.retain_handling, 0);
    assert_int_equal(f.reason, MQTT_SUCCESS);
    assert_true(mqtt_filter_next(&s->filters, &f));
    assert_slice(f.filter, "a/#");
    assert_int_equal(f.qos, 2);
    assert_true(f.no_local && f.retain_as_published);
    assert_int_equal(f.retain_handling, 2);
    assert_true(mqtt_filter_next(&s->filters, &f));
    assert_slice(f.filter, "$SYS/x");
    assert_int_equal(f.qos, 1);
    assert_int_equal(f.retain_handling, 1);
    assert_false(mqtt_filter_next(&s->filters, &f));
}

static void a_bad_filter_is_marked_and_the_others_are_not(void **state)
{
    static const struct {
        const char *filter;
        uint8_t reason;
        bool shared;
    } cases[] = {
        {"a", 0, false},
        {"/", 0, false},
        {"+", 0, false},
        {"+/+/#", 0, false},
        {"a#", 0x8F, false},   /* [MQTT-4.7.1-1] */
        {"#/a", 0x8F, false},  /* [MQTT-4.7.1-1] */
        {"a+", 0x8F, false},   /* [MQTT-4.7.1-2] */
        {"+a/b", 0x8F, false}, /* [MQTT-4.7.1-2] */
        {"$share/g/a/#", 0, true},
        {"$share/g//", 0, true},
        {"$share/g", 0x8F, true},    /* [MQTT-4.8.2-2] */
        {"$share/g/", 0x8F, true},   /* [MQTT-4.8.2-2] */
        {"$share//a", 0x8F, true},   /* [MQTT-4.8.2-1] */
        {"$share/g+/a", 0x8F, true}, /* [MQTT-4.8.2-2] */
        {"$share/#", 0x8F, true},
        {"$share/g/a#", 0x8F, true},
        {"$share", 0, false},
        {"$shared/g/a", 0, false},
    };
    char packet[1000], *p = packet;
    struct mqtt_packet decoded_packet;
    struct mqtt_filter f;

    (void)state;
    p += snprintf(p, 20, "82 [ 0001 ");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        p += snprintf(p, 50, "('%s') 00 ", cases[i].filter);
    snprintf(p, 2, "]");
    decoded_packet = decoded(packet, MQTT_3_1_1);
    assert_int_equal(decoded_packet.subscribe.n_filters, ARRAY_SIZE(cases));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(mqtt_filter_next(&decoded_packet.subscribe.filters, &f));
        assert_slice(f.filter, cases[i].filter);
        if (f.reason != cases[i].reason || f.shared != cases[i].shared)
            fail_msg("%s: reason 0x%02x, shared %d", cases[i].filter, f.reason, f.shared);
    }
}

static void unsubscribe_has_filters_without_options(void **state)
{
    struct mqtt_packet p = decoded("a2 [ 0007 ('a') ('b/#') ]", MQTT_3_1_1);
    struct mqtt_filter f;

    (void)state;
    assert_int_equal(p.type, MQTT_UNSUBSCRIBE);
    assert_int_equal(p.subscribe.packet_id, 7);
    assert_int_equal(p.subscribe.n_filters, 2);
    assert_true(mqtt_filter_next(&p.subscribe.filters, &f));
    assert_slice(f.filter, "a");
    assert_true(mqtt_filter_next(&p.subscribe.filters, &f));
    assert_slice(f.filter, "b/#");
    assert_false(mqtt_filter_next(&p.subscribe.filters, &f));
}

static void a_publish_is_given_whole(void **state)
{
    struct mqtt_packet p = decoded("3d [ ('a/b') 0009 [ 26 ('k') ('v') ] 'hello' ]", MQTT_5);

    (void)state;
    assert_slice(p.publish.topic, "a/b");
    assert_slice(p.publish.payload, "hello");
    assert_int_equal(p.publish.packet_id, 9);
    assert_int_equal(p.publish.qos, 2);
    assert_true(p.publish.dup);
    assert_true(p.publish.retain);
    assert_int_equal(p.publish.properties.len, 7);
}

static void small_packets_are_given_whole(void **state)
{
    struct mqtt_packet p = decoded("62 [ 0005 92 [ 1f ('why') ] ]", MQTT_5);

    (void)state;
    assert_int_equal(p.ack.packet_id, 5);
    assert_int_equal(p.ack.reason, MQTT_PACKET_ID_NOT_FOUND);

    p = decoded("e0 [ 04 [ 11 00000078 ] ]", MQTT_5);
    assert_int_equal(p.disconnect.reason, MQTT_DISCONNECT_WITH_WILL);
    assert_true(p.disconnect.has_session_expiry);
    assert_int_equal(p.disconnect.session_expiry_s, 120);

    p = decoded("e0 00", MQTT_5);
    assert_int_equal(p.disconnect.reason, MQTT_SUCCESS);
    assert_false(p.disconnect.has_session_expiry);

    p = decoded("f0 [ 19 [ 15 ('SCRAM') 16 ('d') ] ]", MQTT_5);
    assert_int_equal(p.auth.reason, MQTT_REAUTHENTICATE);
    assert_slice(p.auth.method, "SCRAM");
    assert_slice(p.auth.data, "d");
}

/* ---- limits ---- */

static void a_size_at_the_limit_is_right_and_one_more_is_not(void **state)
{
    static uint8_t bytes[WIRE_MAX];
    size_t len = wire("30 [ ('a') 'x'*200 ]", bytes);
    struct mqtt_packet packet;
    struct mqtt_fault fault = {0};

    (void)state;
    assert_int_equal(mqtt_decode(bytes, len, MQTT_3_1_1, len, &packet, &fault), len);
    assert_int_equal(mqtt_decode(bytes, len, MQTT_3_1_1, len - 1, &packet, &fault), -EBADMSG);
    assert_int_equal(fault.reason, MQTT_PACKET_TOO_LARGE);
}

static void an_announced_length_is_judged_before_the_body(void **state)
{
    static const uint8_t publish[] = {0x30, 0xFF, 0xFF, 0xFF, 0x7F};
    static const uint8_t bare_connect[] = {0x10, 0xFF, 0xFF, 0xFF, 0x7F};
    static const uint8_t connect[] = {0x10, 0xFF, 0xFF, 0xFF, 0x7F, 0, 4, 'M', 'Q', 'T', 'T', 5};
    struct mqtt_packet packet;
    struct mqtt_fault fault = {0};

    (void)state;
    assert_int_equal(mqtt_decode(publish, 5, MQTT_5, 65536, &packet, &fault), -EBADMSG);
    assert_int_equal(fault.reason, MQTT_PACKET_TOO_LARGE);
    assert_int_equal(fault.version, MQTT_5);
    assert_int_equal(mqtt_decode(publish, 4, MQTT_5, 65536, &packet, &fault), 0);

    assert_int_equal(mqtt_decode(bare_connect, 5, MQTT_UNKNOWN, 65536, &packet, &fault), -EBADMSG);
    assert_int_equal(fault.version, MQTT_UNKNOWN);
    assert_int_equal(mqtt_decode(connect, 12, MQTT_UNKNOWN, 65536, &packet, &fault), -EBADMSG);
    assert_int_equal(fault.reason, MQTT_PACKET_TOO_LARGE);
    assert_int_equal(fault.version, MQTT_5);
}

static void a_wrong_first_byte_is_enough(void **state)
{
    struct mqtt_fault fault = {0};

    (void)state;
    for (unsigned first = 0; first < 256; first++) {
        uint8_t byte = (uint8_t)first;
        long r = decode(&byte, 1, MQTT_UNKNOWN, &fault);

        assert_int_equal(r, first == 0x10 ? 0 : -EBADMSG);
    }
}

/* ---- every body cut short ---- */

static const struct {
    enum mqtt_version version;
    const char *packet;
    size_t keep; /* bytes of the body from which on a shorter packet is a right one */
} whole_packets[] = {
    {0, "10 [ ('MQTT') 04 ee 1234 ('reader') ('will/topic') ('gone') ('ann') ('secret') ]", 99},
    {0,
     "10 [ ('MQTT') 05 ee 1234 [ 11 00000e10 21 0014 26 ('k') ('v') 15 ('S') 16 (0001) ] ('r')"
     "     [ 18 0000003c 08 ('r/t') 26 ('wk') ('wv') ] ('status/x') ('gone') ('ann') ('pw') ]",
     999},
    {5, "82 [ 0102 [ 26 ('max-rate') ('2') 0b 8001 ] ('stocks/+') 00 ]", 99},
    {4, "a2 [ 0102 ('stocks/+') ]", 99},
    {5, "f0 [ 18 [ 15 ('m') 16 ('d') ] ]", 99},
};

static void a_body_cut_short_is_never_right(void **state)
{
    static uint8_t whole[WIRE_MAX], cut[WIRE_MAX];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(whole_packets); i++) {
        size_t len = wire(whole_packets[i].packet, whole);

        assert_true(len < 130); /* the fixed header has two bytes */
        for (size_t body = 0; body + 2 < len; body++) {
            struct mqtt_fault fault = {0};

            memcpy(cut, whole, 2 + body);
            cut[1] = (uint8_t)body;
            if (decode(cut, 2 + body, whole_packets[i].version, &fault) != -EBADMSG)
                fail_msg("packet %zu with a body of %zu bytes passed", i, body);
        }
    }
}

/* ---- properties: table 2-4 of the specification, for what a client may send ---- */

enum place { CONNECT, WILL, PUBLISH, ACK, SUBSCRIBE, UNSUBSCRIBE, DISCONNECT, AUTH, N_PLACES };

static const struct {
    enum mqtt_version version;
    const char *before, *after; /* a packet around a property list */
} places[N_PLACES] = {
    [CONNECT] = {0, "10 [ ('MQTT') 05 02 003c [", "] ('c') ]"},
    [WILL] = {0, "10 [ ('MQTT') 05 06 003c 00 ('c') [", "] ('w') ('m') ]"},
    [PUBLISH] = {5, "30 [ ('a') [", "] 'x' ]"},
    [ACK] = {5, "40 [ 0001 00 [", "] ]"},
    [SUBSCRIBE] = {5, "82 [ 0001 [", "] ('a') 00 ]"},
    [UNSUBSCRIBE] = {5, "a2 [ 0001 [", "] ('a') ]"},
    [DISCONNECT] = {5, "e0 [ 00 [", "] ]"},
    [AUTH] = {5, "f0 [ 18 [ 15 ('m')", "] ]"},
};

static const struct {
    uint8_t id;
    const char *value;
    const char *where; /* a letter for each place: C W P K S U D A */
} properties[] = {
    {0x01, "01", "WP"},
    {0x02, "00000001", "WP"},
    {0x03, "('t')", "WP"},
    {0x08, "('t')", "WP"},
    {0x09, "(00)", "WP"},
    {0x0B, "01", "S"},
    {0x11, "00000001", "CD"},
    {0x12, "('c')", ""},
    {0x13, "0001", ""},
    {0x15, "('m')", "CA"},
    {0x16, "('d')", "A"}, /* in CONNECT only with a method */
    {0x17, "01", "C"},
    {0x18, "00000001", "W"},
    {0x19, "01", "C"},
    {0x1A, "('i')", ""},
    {0x1C, "('s')", ""},
    {0x1F, "('r')", "KDA"},
    {0x21, "0001", "C"},
    {0x22, "0001", "C"},
    {0x23, "0001", ""}, /* aliases are refused */
    {0x24, "01", ""},
    {0x25, "01", ""},
    {0x26, "('k') ('v')", "CWPKSUDA"},
    {0x27, "00000001", "C"},
    {0x28, "01", ""},
    {0x29, "01", ""},
    {0x2A, "01", ""},
};

static long decode_with_properties(enum place place, const char *list, struct mqtt_fault *fault)
{
    static uint8_t bytes[WIRE_MAX];
    char text[200];

    snprintf(text, sizeof(text), "%s %s %s", places[place].before, list, places[place].after);
    return decode(bytes, wire(text, bytes), places[place].version, fault);
}

static void a_property_is_right_only_where_the_specification_has_it(void **state)
{
    (void)state;
    for (unsigned id = 0; id < 256; id++) {
        const char *value = "00", *where = "";
        char list[100];

        for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
            if (properties[i].id == id) {
                value = properties[i].value;
                where = properties[i].where;
            }
        }
        for (enum place place = 0; place < N_PLACES; place++) {
            struct mqtt_fault fault = {0};
            bool allowed = strchr(where, "CWPKSUDA"[place]) != NULL;

            if (place == AUTH && id == 0x15)
                continue; /* the packet has one already: see the next test */
            snprintf(list, sizeof(list), "%02x %s", id, value);
            if ((decode_with_properties(place, list, &fault) > 0) != allowed)
                fail_msg("property 0x%02x in place %d: reason 0x%02x", id, (int)place,
                         fault.reason);
        }
    }
}

static void a_property_may_come_once_and_a_user_property_often(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(properties); i++) {
        for (enum place place = 0; place < N_PLACES; place++) {
            struct mqtt_fault fault = {0};
            char list[100];

            if (strchr(properties[i].where, "CWPKSUDA"[place]) == NULL)
                continue;
            snprintf(list, sizeof(list), "%02x %s %02x %s", properties[i].id, properties[i].value,
                     properties[i].id, properties[i].value);
            if (properties[i].id == 0x26) {
                assert_true(decode_with_properties(place, list, &fault) > 0);
            } else {
                assert_int_equal(decode_with_properties(place, list, &fault), -EBADMSG);
                assert_int_equal(fault.reason, MQTT_PROTOCOL_ERROR);
            }
        }
    }
}

static void every_reason_has_a_name(void **state)
{
    (void)state;
    assert_string_equal(mqtt_reason_name(MQTT_MALFORMED_PACKET), "malformed_packet");
    assert_string_equal(mqtt_reason_name(MQTT_WILDCARD_NOT_SUPPORTED), "wildcard_not_supported");
    assert_string_equal(mqtt_reason_name(0x7F), "unknown");
    for (unsigned reason = 0x80; reason <= 0xA2; reason++)
        assert_string_not_equal(mqtt_reason_name((uint8_t)reason), "unknown");
}

static int run_cases(const char *group, const struct packet_case *cases, size_t n)
{
    struct CMUnitTest tests[100] = {0};

    assert_true(n <= ARRAY_SIZE(tests));
    for (size_t i = 0; i < n; i++)
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name,
            .test_func = packet_is_judged,
            .initial_state = (void *)(uintptr_t)&cases[i],
        };
    return _cmocka_run_group_tests(group, tests, n, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_least_connect_has_the_defaults),
        cmocka_unit_test(a_full_connect_is_given_whole),
        cmocka_unit_test(filters_are_given_one_after_the_other),
        cmocka_unit_test(a_bad_filter_is_marked_and_the_others_are_not),
        cmocka_unit_test(unsubscribe_has_filters_without_options),
        cmocka_unit_test(a_publish_is_given_whole),
        cmocka_unit_test(small_packets_are_given_whole),
        cmocka_unit_test(a_size_at_the_limit_is_right_and_one_more_is_not),
        cmocka_unit_test(an_announced_length_is_judged_before_the_body),
        cmocka_unit_test(a_wrong_first_byte_is_enough),
        cmocka_unit_test(a_body_cut_short_is_never_right),
        cmocka_unit_test(a_property_is_right_only_where_the_specification_has_it),
        cmocka_unit_test(a_property_may_come_once_and_a_user_property_often),
        cmocka_unit_test(every_reason_has_a_name),
    };

    return run_cases("CONNECT", connect_cases, ARRAY_SIZE(connect_cases)) +
           run_cases("SUBSCRIBE", subscribe_cases, ARRAY_SIZE(subscribe_cases)) +
           run_cases("PUBLISH", publish_cases, ARRAY_SIZE(publish_cases)) +
           run_cases("other packets", other_cases, ARRAY_SIZE(other_cases)) +
           cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
