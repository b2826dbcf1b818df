/* What a service says of the market's hours, asked by way of a network that is the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "common/civil.h"
#include "publisher/feeds/almanac.h"

#include "common/banned.h"

#define MINUTE_MS INT64_C(60000)
#define NO_PRICE ((struct mono){0})

struct http {
    bool asked;
};

static struct http the_http;
static const char *days_body, *status_body; /* of the next answers; NULL: there are none */
static bool asks_status;
static int n_status; /* answered */

static struct almanac *almanac;
static struct calendar *calendar;
static struct mono now;
static struct wall wall;

int http_new(struct net *n, const char *const *headers, size_t max_body, struct http **ret)
{
    (void)n, (void)headers, (void)max_body;
    *ret = &the_http;
    return 0;
}

void http_free(struct http *h)
{
    h->asked = false;
}

int http_get(struct http *h, const char *url)
{
    h->asked = true;
    asks_status = strstr(url, "/status") != NULL;
    return 0;
}

int http_take(struct http *h, struct http_answer *ret)
{
    const char *body = asks_status ? status_body : days_body;

    if (!h->asked)
        return -EAGAIN;
    h->asked = false;
    n_status += asks_status;
    *ret = (struct http_answer){.status = body != NULL ? 200 : 503, .body = body};
    return 0;
}

/* New York's time on a day of November 2026; the 24th is a Tuesday, the 26th a holiday. */
static int at(int day, int hour, int minute)
{
    int64_t days = civil_to_days((struct civil){2026, 11, day});
    struct almanac_config config = {
        .service = "test", .url = "http://x/", .days = "/days", .status = "/status"};

    now = mono_now();
    wall.ms = ((days * 24 + hour + 5) * 60 + minute) * MINUTE_MS;
    days_body = status_body = NULL;
    n_status = 0;
    assert_int_equal(calendar_new(NULL, &calendar), 0);
    config.calendar = calendar;
    assert_int_equal(almanac_new(NULL, &config, &almanac), 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    almanac_free(almanac);
    calendar_free(calendar);
    return 0;
}

static void pass(int minutes, struct mono price_at)
{
    for (int i = 0; i < minutes * 6; i++) {
        now = mono_add_ms(now, MINUTE_MS / 6);
        wall.ms += MINUTE_MS / 6;
        almanac_run(almanac, now, wall, price_at);
    }
}

static enum quote_session session(void)
{
    return calendar_session(calendar, wall);
}

static void closed_said_twice_is_believed(void **state)
{
    (void)state;
    at(24, 10, 0);
    status_body = "{\"isOpen\":false}";
    pass(3, NO_PRICE);
    assert_int_equal(n_status, 1);
    assert_int_equal(session(), SESSION_REGULAR); /* once is not enough */
    pass(4, NO_PRICE);
    assert_int_equal(n_status, 2);
    assert_int_equal(session(), SESSION_CLOSED);
}

static void closed_said_while_prices_come_is_not(void **state)
{
    (void)state;
    at(24, 10, 0);
    status_body = "{\"isOpen\":false}";
    for (int i = 0; i < 60; i++)
        pass(1, now);
    assert_true(n_status > 2);
    assert_int_equal(session(), SESSION_REGULAR);
}

static void an_open_between_two_closed_says_that_it_was_a_mistake(void **state)
{
    (void)state;
    at(24, 10, 0);
    status_body = "{\"isOpen\":false}";
    pass(3, NO_PRICE);
    status_body = "{\"isOpen\":true}";
    pass(4, NO_PRICE);
    assert_int_equal(n_status, 2);
    status_body = "{\"isOpen\":false}";
    pass(32, NO_PRICE);
    assert_int_equal(n_status, 3);
    assert_int_equal(session(), SESSION_REGULAR);
}

static void an_answer_that_does_not_come_says_nothing(void **state)
{
    (void)state;
    at(24, 10, 0);
    pass(60, NO_PRICE);
    status_body = "<html>";
    pass(60, NO_PRICE);
    assert_int_equal(session(), SESSION_REGULAR);
}

static void open_on_a_holiday_is_believed_at_once_and_on_a_weekend_never(void **state)
{
    (void)state;
    at(26, 10, 0);
    status_body = "{\"isOpen\":true}";
    assert_int_equal(session(), SESSION_CLOSED);
    pass(3, NO_PRICE);
    assert_int_equal(session(), SESSION_REGULAR);
    end(NULL);
    at(28, 10, 0);
    status_body = "{\"isOpen\":true}";
    pass(60, NO_PRICE);
    assert_int_equal(session(), SESSION_CLOSED);
}

static void days_to_come_are_taken_over_and_today_is_not(void **state)
{
    (void)state;
    at(24, 10, 0);
    days_body = "{\"data\":[{\"atDate\":\"2026-11-24\",\"tradingHour\":\"\"},"
                "{\"atDate\":\"2026-12-01\",\"tradingHour\":\"\"},"
                "{\"atDate\":\"2026-12-02\",\"tradingHour\":\"09:30-13:00\"}]}";
    pass(3, NO_PRICE);
    assert_int_equal(session(), SESSION_REGULAR);
    wall.ms += 7 * 24 * 60 * MINUTE_MS;
    assert_int_equal(session(), SESSION_CLOSED);
    wall.ms += (24 + 4) * 60 * MINUTE_MS;
    assert_int_equal(session(), SESSION_POST); /* 14:03 of a half day */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, end)
    const struct CMUnitTest tests[] = {
        TEST(closed_said_twice_is_believed),
        TEST(closed_said_while_prices_come_is_not),
        TEST(an_open_between_two_closed_says_that_it_was_a_mistake),
        TEST(an_answer_that_does_not_come_says_nothing),
        TEST(open_on_a_holiday_is_believed_at_once_and_on_a_weekend_never),
        TEST(days_to_come_are_taken_over_and_today_is_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
