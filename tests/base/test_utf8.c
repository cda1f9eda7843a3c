/* Names are converted to UTF-8, and different names stay different. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "utf8.h"
#include "util.h"

static void utf8_stays_and_other_bytes_are_written_out(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"", ""},
        {"plain", "plain"},
        {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},                       /* été */
        {"\xe6\x97\xa5\xf0\x9f\x98\x80", "\xe6\x97\xa5\xf0\x9f\x98\x80"}, /* three and four bytes */
        {"r\xe9sultats", "r\\xe9sultats"},                                /* Latin-1 */
        {"\xc3", "\\xc3"},                                                /* cut */
        {"\xe6\x97", "\\xe6\\x97"},
        {"\x80x", "\\x80x"},        /* a continuation byte without a start */
        {"\xc0\xaf", "\\xc0\\xaf"}, /* overlong */
        {"\xe0\x80\x80", "\\xe0\\x80\\x80"},
        {"\xed\xa0\x80", "\\xed\\xa0\\x80"},          /* half a surrogate pair */
        {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"}, /* beyond U+10FFFF */
        {"\xff\xfe", "\\xff\\xfe"},
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *text = rncl_utf8_text(texts[i][0]);
        assert_non_null(text);
        assert_string_equal(text, texts[i][1]);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_stays_and_other_bytes_are_written_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
