#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/subscriptions.h"

/* The filters that are asked for with their identifiers, as "a/+ 1, b". */
static const char *asked(const char *topics)
{
    static char text[256];
    struct subscriptions s;
    size_t at = 0;

    text[0] = '\0';
    assert_int_equal(subscriptions_init(topics, &s), 0);
    for (size_t i = 0; i < s.n; i++) {
        uint32_t identifier = subscriptions_identifier(&s, i);

        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > 0 ? ", " : "",
                               s.list[i].filter);
        if (identifier != 0)
            at += (size_t)snprintf(text + at, sizeof(text) - at, " %u", identifier);
    }
    assert_int_equal(subscriptions_overlap(&s), strpbrk(text, "123456789") != NULL);
    subscriptions_release(&s);
    return text;
}

static void what_another_filter_holds_is_not_asked_for(void **state)
{
    (void)state;
    assert_string_equal(asked("stocks/#,status/#"), "stocks/#, status/#");
    assert_string_equal(asked("a, a ,,b,a"), "a, b");
    assert_string_equal(asked("a/b,a/+,a/#,b"), "a/#, b");
    assert_string_equal(asked("#,a/b,$SYS/#,+/#"), "#, $SYS/#");
    assert_string_equal(asked("a,b,+"), "+");
}

static void only_filters_that_overlap_in_part_are_asked_for_with_identifiers(void **state)
{
    (void)state;
    assert_string_equal(asked("stocks/+,+/AAPL"), "stocks/+ 1, +/AAPL 2");
    assert_string_equal(asked("status/#,stocks/+/price,charts/#,stocks/AAPL/#"),
                        "status/#, stocks/+/price 2, charts/#, stocks/AAPL/# 4");
    assert_string_equal(asked("+/x,a/b,a/+"), "+/x 1, a/+ 2");
    assert_string_equal(asked("+/x,$SYS/+"), "+/x, $SYS/+");
}

static void what_is_no_list_of_filters_is_refused(void **state)
{
    static const char *const none[] = {"", ",", " , ", "a#", "a,b/#/c", "a+"};
    struct subscriptions s;

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        assert_int_equal(subscriptions_init(none[i], &s), -EINVAL);
}

/* Is the copy of "a/x" that bears `identifier` one to leave out? */
static bool is_double(const struct subscriptions *s, uint32_t identifier)
{
    return subscriptions_is_double(s, identifier, "a/x", 3);
}

static void of_a_message_for_several_the_copy_for_the_first_that_is_granted_is_taken(void **state)
{
    struct subscriptions s;

    (void)state;
    assert_int_equal(subscriptions_init("b/+,a/+,+/x,+/+/y,a/x/#", &s), 0);
    for (int i = 0; i < 5; i++)
        s.list[i].request = 10 + i;
    for (uint32_t i = 0; i <= 5; i++)
        assert_false(is_double(&s, i)); /* nothing is granted yet */
    subscriptions_grant(&s, 9);
    subscriptions_grant(&s, 10);
    subscriptions_grant(&s, 12);
    subscriptions_grant(&s, 13);
    subscriptions_grant(&s, 14);
    assert_false(is_double(&s, 3)); /* the second was refused, the first does not match */
    assert_true(is_double(&s, 5));
    subscriptions_grant(&s, 11);
    assert_false(is_double(&s, 0));
    assert_false(is_double(&s, 2));
    assert_true(is_double(&s, 3));
    assert_true(is_double(&s, 5));
    subscriptions_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_another_filter_holds_is_not_asked_for),
        cmocka_unit_test(only_filters_that_overlap_in_part_are_asked_for_with_identifiers),
        cmocka_unit_test(what_is_no_list_of_filters_is_refused),
        cmocka_unit_test(of_a_message_for_several_the_copy_for_the_first_that_is_granted_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
