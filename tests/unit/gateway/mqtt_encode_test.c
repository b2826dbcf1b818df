#include <errno.h>
#include <stdbool.h>

#include "gateway/codec/mqtt_decode.h"
#include "gateway/codec/mqtt_encode.h"
#include "tests/unit/gateway/wire.h"

#include "common/banned.h"

static uint8_t buf[WIRE_MAX];

/* Encode with every room from 0 bytes up: nothing until it fits, then the same packet, and never a
 * byte past the room given. */
#define assert_encodes(text, call)                                                                 \
    do {                                                                                           \
        size_t cap = sizeof(buf), size = call;                                                     \
                                                                                                   \
        assert_wire_equal(buf, size, text);                                                        \
        for (cap = 0; cap < size; cap++) {                                                         \
            buf[cap] = 0xA5;                                                                       \
            assert_int_equal(call, 0);                                                             \
            assert_int_equal(buf[cap], 0xA5);                                                      \
        }                                                                                          \
    } while (0)

static void connack_of_3_1_1_is_always_the_same(void **state)
{
    const struct mqtt_connack c = {.assigned_client_id = slice_of("x"), .max_packet_size = 9};

    (void)state;
    assert_encodes("20 02 00 00", mqtt_encode_connack(buf, cap, MQTT_3_1_1, &c));
}

static void connack_of_5_tells_what_is_not_to_be_had(void **state)
{
    const struct mqtt_connack c = {0};

    (void)state;
    assert_encodes("20 [ 00 00 [ 24 00 29 00 2a 00 ] ]", mqtt_encode_connack(buf, cap, MQTT_5, &c));
}

static void connack_of_5_carries_all_it_is_given(void **state)
{
    const struct mqtt_connack c = {
        .assigned_client_id = slice_of("reader-1"),
        .server_keep_alive_s = 300,
        .max_packet_size = 65536,
        .session_expires_at_once = true,
    };

    (void)state;
    assert_encodes("20 [ 00 00 [ 11 00000000 24 00 27 00010000 12 ('reader-1') 29 00 2a 00"
                   "             13 012c ] ]",
                   mqtt_encode_connack(buf, cap, MQTT_5, &c));
}

static void connack_leaves_out_a_reason_that_does_not_fit(void **state)
{
    const struct mqtt_connack c = {.reason = slice_of("sessions end with the connection")};
    size_t whole = mqtt_encode_connack(buf, sizeof(buf), MQTT_5, &c);

    (void)state;
    assert_wire_equal(buf, whole,
                      "20 [ 00 00 [ 24 00 29 00 2a 00 1f ('sessions end with the connection') ] ]");
    assert_int_equal(mqtt_encode_connack(buf, whole, MQTT_5, &c), whole);
    assert_wire_equal(buf, mqtt_encode_connack(buf, whole - 1, MQTT_5, &c),
                      "20 [ 00 00 [ 24 00 29 00 2a 00 ] ]");
}

static void a_refusal_of_5_names_its_reason(void **state)
{
    size_t whole = mqtt_encode_refusal(buf, sizeof(buf), MQTT_5, MQTT_SERVER_BUSY, "full");

    (void)state;
    assert_wire_equal(buf, whole, "20 [ 00 89 [ 1f ('full') ] ]");
    assert_wire_equal(buf, mqtt_encode_refusal(buf, whole - 1, MQTT_5, MQTT_SERVER_BUSY, "full"),
                      "20 [ 00 89 00 ]");
    assert_encodes("20 [ 00 81 00 ]",
                   mqtt_encode_refusal(buf, cap, MQTT_5, MQTT_MALFORMED_PACKET, NULL));
}

static void a_refusal_of_3_1_1_has_the_closest_return_code(void **state)
{
    static const struct {
        uint8_t reason, code;
    } cases[] = {
        {MQTT_UNSUPPORTED_VERSION, 1}, {MQTT_CLIENT_ID_INVALID, 2}, {MQTT_SERVER_UNAVAILABLE, 3},
        {MQTT_SERVER_BUSY, 3},         {MQTT_BAD_CREDENTIALS, 4},   {MQTT_NOT_AUTHORIZED, 5},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const uint8_t expected[] = {0x20, 2, 0, cases[i].code};
        size_t n = mqtt_encode_refusal(buf, sizeof(buf), MQTT_3_1_1, cases[i].reason, "why");

        assert_int_equal(n, sizeof(expected));
        assert_memory_equal(buf, expected, n);
    }
}

/* [MQTT-3.1.4-1] of MQTT 3.1.1: the connection is closed without a CONNACK. */
static void a_malformed_connect_of_3_1_1_gets_no_answer(void **state)
{
    (void)state;
    assert_int_equal(mqtt_encode_refusal(buf, 99, MQTT_3_1_1, MQTT_MALFORMED_PACKET, "why"), 0);
    assert_int_equal(mqtt_encode_refusal(buf, 99, MQTT_3_1_1, MQTT_PROTOCOL_ERROR, "why"), 0);
    assert_int_equal(mqtt_encode_refusal(buf, 99, MQTT_UNKNOWN, MQTT_UNSUPPORTED_VERSION, "x"), 0);
}

static void only_mqtt_5_has_a_disconnect_from_the_server(void **state)
{
    (void)state;
    assert_wire_equal(buf,
                      mqtt_encode_disconnect(buf, 99, MQTT_5, MQTT_SERVER_SHUTTING_DOWN, "restart"),
                      "e0 [ 8b [ 1f ('restart') ] ]");
    assert_encodes("e0 [ 8d 00 ]",
                   mqtt_encode_disconnect(buf, cap, MQTT_5, MQTT_KEEP_ALIVE_TIMEOUT, NULL));
    assert_int_equal(mqtt_encode_disconnect(buf, 99, MQTT_3_1_1, MQTT_KEEP_ALIVE_TIMEOUT, NULL), 0);
    assert_int_equal(mqtt_encode_disconnect(buf, 99, MQTT_UNKNOWN, MQTT_PROTOCOL_ERROR, NULL), 0);
}

/* [MQTT-3.8.4-5], [MQTT-3.9.3-2]: a code for each filter, of those that the version has. */
static void suback_has_a_code_for_each_filter(void **state)
{
    static const uint8_t reasons[] = {0x00, 0x8F, 0x9E, 0x00};

    (void)state;
    assert_encodes("90 [ 1234 00 80 80 00 ]",
                   mqtt_encode_suback(buf, cap, MQTT_3_1_1, 0x1234, reasons, 4));
    assert_encodes("90 [ 1234 00 00 8f 9e 00 ]",
                   mqtt_encode_suback(buf, cap, MQTT_5, 0x1234, reasons, 4));
}

static void suback_of_many_filters_has_a_longer_length(void **state)
{
    static const uint8_t reasons[200];

    (void)state;
    assert_encodes("90 [ 0001 00 00*200 ]", mqtt_encode_suback(buf, cap, MQTT_5, 1, reasons, 200));
}

static void unsuback_has_codes_with_5_only(void **state)
{
    static const uint8_t reasons[] = {0x00, MQTT_NO_SUBSCRIPTION_EXISTED};

    (void)state;
    assert_encodes("b0 [ 0007 ]", mqtt_encode_unsuback(buf, cap, MQTT_3_1_1, 7, reasons, 2));
    assert_encodes("b0 [ 0007 00 00 11 ]", mqtt_encode_unsuback(buf, cap, MQTT_5, 7, reasons, 2));
}

static void pingresp_is_two_bytes(void **state)
{
    (void)state;
    assert_encodes("d0 00", mqtt_encode_pingresp(buf, cap));
}

static void publish_is_what_the_specification_says(void **state)
{
    uint8_t *end = mqtt_write_publish(buf, MQTT_3_1_1, "a/b", 3, "189.45", 6, false);

    (void)state;
    assert_wire_equal(buf, (size_t)(end - buf), "30 [ ('a/b') '189.45' ]");
    end = mqtt_write_publish(buf, MQTT_5, "a/b", 3, "189.45", 6, true);
    assert_wire_equal(buf, (size_t)(end - buf), "31 [ ('a/b') 00 '189.45' ]");
    end = mqtt_write_publish(buf, MQTT_5, "a", 1, NULL, 0, true);
    assert_wire_equal(buf, (size_t)(end - buf), "31 [ ('a') 00 ]");
}

static void publish_carries_properties_as_they_are_and_the_expiry(void **state)
{
    const struct mqtt_publish_properties none = {.expires = true, .expiry_s = 258},
                                         some = {(const uint8_t *)"\x01\x01", 2, false, 0},
                                         both = {(const uint8_t *)"\x01\x01", 2, true, 0};
    uint8_t *end = mqtt_write_publish_with(buf, &none, "a", 1, "x", 1, false);

    (void)state;
    assert_wire_equal(buf, (size_t)(end - buf), "30 [ ('a') 05 02 00 00 01 02 'x' ]");
    end = mqtt_write_publish_with(buf, &some, "a", 1, NULL, 0, true);
    assert_wire_equal(buf, (size_t)(end - buf), "31 [ ('a') 02 01 01 ]");
    end = mqtt_write_publish_with(buf, &both, "a", 1, "x", 1, true);
    assert_wire_equal(buf, (size_t)(end - buf), "31 [ ('a') 07 02 00 00 00 00 01 01 'x' ]");
    assert_int_equal(end - buf, mqtt_publish_with_size(&both, 1, 1));
}

/* Lengths around each step of the remaining length, read back by the decoder. */
static void publish_of_any_length_reads_back(void **state)
{
    static const size_t remaining[] = {127, 128, 16383, 16384, 2097151, 2097152};
    static uint8_t packet[2097152 + 16], payload[2097152];
    const enum mqtt_version versions[] = {MQTT_3_1_1, MQTT_5};

    (void)state;
    memset(payload, 'x', sizeof(payload));
    for (size_t i = 0; i < 2 * ARRAY_SIZE(remaining); i++) {
        enum mqtt_version version = versions[i & 1];
        size_t len = remaining[i / 2] - 2 - 5 - (version == MQTT_5 ? 1 : 0);
        size_t size = mqtt_publish_size(version, 5, len);
        uint8_t *end = mqtt_write_publish(packet, version, "a/b/c", 5, payload, len, false);
        struct mqtt_packet p;
        struct mqtt_fault fault;

        assert_int_equal(end - packet, size);
        assert_int_equal(mqtt_decode(packet, size, version, MQTT_PACKET_MAX, &p, &fault), size);
        assert_true(slice_is(p.publish.topic, "a/b/c"));
        assert_int_equal(p.publish.payload.len, len);
        assert_memory_equal(p.publish.payload.at, payload, len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connack_of_3_1_1_is_always_the_same),
        cmocka_unit_test(connack_of_5_tells_what_is_not_to_be_had),
        cmocka_unit_test(connack_of_5_carries_all_it_is_given),
        cmocka_unit_test(connack_leaves_out_a_reason_that_does_not_fit),
        cmocka_unit_test(a_refusal_of_5_names_its_reason),
        cmocka_unit_test(a_refusal_of_3_1_1_has_the_closest_return_code),
        cmocka_unit_test(a_malformed_connect_of_3_1_1_gets_no_answer),
        cmocka_unit_test(only_mqtt_5_has_a_disconnect_from_the_server),
        cmocka_unit_test(suback_has_a_code_for_each_filter),
        cmocka_unit_test(suback_of_many_filters_has_a_longer_length),
        cmocka_unit_test(unsuback_has_codes_with_5_only),
        cmocka_unit_test(pingresp_is_two_bytes),
        cmocka_unit_test(publish_is_what_the_specification_says),
        cmocka_unit_test(publish_carries_properties_as_they_are_and_the_expiry),
        cmocka_unit_test(publish_of_any_length_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
