/* The ESP32 sketch, compiled for this machine over stand-ins for Arduino's headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "stubs/Arduino.h"

#include "examples/esp32/ticker/ticker.ino"

extern "C" {
#include <cmocka.h>
}

static int fresh(void **)
{
    Serial.text.clear();
    WiFi.state = WL_CONNECTED;
    stub_millis = 0;
    waitMs = lastAttempt = failures = 0;
    wasConnected = false;
    mqtt.broker_there = true;
    mqtt.up = false;
    mqtt.attempts = 0;
    setup();
    return 0;
}

static int connected(void **state)
{
    fresh(state);
    loop();
    Serial.text.clear();
    return 0;
}

static std::string publish(const std::string &topic, const std::string &payload)
{
    size_t remaining = 2 + topic.size() + payload.size();
    std::string packet = "\x30";

    for (; remaining >= 128; remaining /= 128)
        packet += (char)(remaining % 128 | 128);
    packet += (char)remaining;
    packet += (char)(topic.size() >> 8);
    packet += (char)(topic.size() & 255);
    return packet + topic + payload;
}

static void said(const char *expected)
{
    assert_string_equal(Serial.text.c_str(), expected);
    Serial.text.clear();
}

static void it_subscribes_to_the_price_of_each_symbol(void **)
{
    loop();
    said("connected\n");
    assert_int_equal(mqtt.subscriptions.size(), 4);
    assert_string_equal(mqtt.subscriptions[0].c_str(), "stocks/AAPL/price");
    assert_string_equal(mqtt.subscriptions[3].c_str(), "stocks/BTC%2FUSD/price");
}

static void a_price_is_shown_as_it_came(void **)
{
    mqtt.receive(publish("stocks/AAPL/price", "189.45"));
    said("AAPL 189.45\n");
    mqtt.receive(publish("stocks/AAPL/price", "189.5"));
    said("AAPL 189.5 ^\n");
    mqtt.receive(publish("stocks/AAPL/price", "189.5")); /* no move keeps the last arrow */
    said("AAPL 189.5 ^\n");
    mqtt.receive(publish("stocks/AAPL/price", "9"));
    said("AAPL 9 v\n");
    mqtt.receive(publish("stocks/BTC%2FUSD/price", "0.000000000000000001"));
    said("BTC/USD 0.000000000000000001\n");
}

static void what_is_no_price_is_not_shown(void **)
{
    static const char *const payloads[] = {
        "",    ".",   "-",  "1.2.3",   "1e5",           "NaN",
        "12a", "1-2", " 1", "\033[2J", "{\"price\":1}", "123456789012345678901234"};

    for (const char *payload : payloads)
        mqtt.receive(publish("stocks/AAPL/price", payload));
    mqtt.receive(publish("stocks/AAPL/price", std::string("1\0002", 3)));
    said("");
    mqtt.receive(publish("stocks/AAPL/price", "12345678901234567890123"));
    said("AAPL 12345678901234567890123\n");
}

static void other_topics_are_left_alone(void **)
{
    static const char *const topics[] = {
        "stocks/AAPL",       "stocks/AAPLX/price", "stocks/AAP/price", "stocks/AAPL/price/x",
        "stocks/TSLA/price", "x/AAPL/price",       "stocks//price",    "s"};

    for (const char *topic : topics)
        mqtt.receive(publish(topic, "1"));
    said("");
}

static void a_packet_of_256_bytes_arrives_and_a_longer_one_never_does(void **)
{
    const std::string topic = "stocks/AAPL/price";
    std::string packet = publish(topic, std::string(256 - 3 - 2 - topic.size(), '1'));

    assert_int_equal(packet.size(), 256);
    mqtt.receive(packet);
    mqtt.receive(publish(topic, std::string(300, '1')));
    said(""); /* too long for a price in either case, and read no further than it goes */
}

static void a_lost_connection_marks_prices_as_old_until_they_come_again(void **)
{
    mqtt.receive(publish("stocks/AAPL/price", "1"));
    mqtt.up = false;
    Serial.text.clear();
    loop();
    said("connection lost\nAAPL 1 old\n");
    loop();
    said("");
    stub_millis += FIRST_WAIT_MS;
    loop();
    said("connected\n");
    assert_int_equal(mqtt.subscriptions.size(), 4);
    mqtt.receive(publish("stocks/AAPL/price", "1"));
    said("AAPL 1\n");
}

static void attempts_become_rarer_but_never_end(void **)
{
    unsigned long last = 0, gap = 0;

    mqtt.broker_there = false;
    for (stub_millis = 0; stub_millis < 3600000; stub_millis += 100) {
        int before = mqtt.attempts;

        loop();
        if (mqtt.attempts == before)
            continue;
        gap = stub_millis - last;
        last = stub_millis;
    }
    assert_in_range(mqtt.attempts, 60, 140); /* an hour, mostly 30 to 60 s apart */
    assert_in_range(gap, MAX_WAIT_MS / 2, MAX_WAIT_MS + 100);
    mqtt.broker_there = true;
    stub_millis += MAX_WAIT_MS;
    loop();
    assert_true(mqtt.up);
    assert_int_equal(failures, 0);
}

static void a_clock_that_starts_over_does_not_stop_it(void **)
{
    stub_millis = (unsigned long)-500;
    mqtt.broker_there = false;
    loop();
    mqtt.broker_there = true;
    stub_millis += FIRST_WAIT_MS;
    loop();
    assert_true(mqtt.up);
}

static void without_wifi_it_does_not_try(void **)
{
    WiFi.state = WL_DISCONNECTED;
    for (int i = 0; i < 100; i++, stub_millis += 1000)
        loop();
    assert_int_equal(mqtt.attempts, 0);
    WiFi.state = WL_CONNECTED;
    loop();
    assert_int_equal(mqtt.attempts, 1);
}

int main()
{
    const CMUnitTest tests[] = {
        cmocka_unit_test_setup(it_subscribes_to_the_price_of_each_symbol, fresh),
        cmocka_unit_test_setup(a_price_is_shown_as_it_came, connected),
        cmocka_unit_test_setup(what_is_no_price_is_not_shown, connected),
        cmocka_unit_test_setup(other_topics_are_left_alone, connected),
        cmocka_unit_test_setup(a_packet_of_256_bytes_arrives_and_a_longer_one_never_does,
                               connected),
        cmocka_unit_test_setup(a_lost_connection_marks_prices_as_old_until_they_come_again,
                               connected),
        cmocka_unit_test_setup(attempts_become_rarer_but_never_end, fresh),
        cmocka_unit_test_setup(a_clock_that_starts_over_does_not_stop_it, fresh),
        cmocka_unit_test_setup(without_wifi_it_does_not_try, fresh),
    };

    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
