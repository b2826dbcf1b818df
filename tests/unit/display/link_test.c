#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "examples/display/link.h"

#include "common/banned.h"

static void good_addresses_are_taken(void **state)
{
    static const char *const urls[] = {
        "mqtt://127.0.0.1",      "mqtt://127.0.0.1:1883", "mqtt://broker.example:65535",
        "mqtt://user@localhost", "mqtt://[::1]",          "mqtt://a@b@[::1]:1884",
        "mqtts://u@h:1",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        if (link_url_error(urls[i]) != NULL)
            fail_msg("%s: %s", urls[i], link_url_error(urls[i]));
}

static void bad_addresses_are_told_from_good_ones(void **state)
{
    static const char *const urls[] = {
        "",
        "localhost",
        "localhost:1883",
        "http://localhost",
        "mqtts://",
        "mqtt://",
        "mqtt://:1883",
        "mqtt://user@",
        "mqtt://user:secret@localhost",
        "mqtt://localhost:",
        "mqtt://localhost:0",
        "mqtt://localhost:65536",
        "mqtt://localhost:99999999999999999999",
        "mqtt://localhost:18x",
        "mqtt://localhost:-1",
        "mqtt://localhost/topic",
        "mqtt://local host",
        "mqtt://::1",
        "mqtt://[::1",
        "mqtt://[::1]1883",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        if (link_url_error(urls[i]) == NULL)
            fail_msg("accepted: %s", urls[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_addresses_are_taken),
        cmocka_unit_test(bad_addresses_are_told_from_good_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
