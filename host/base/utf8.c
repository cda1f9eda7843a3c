/* Checks UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
#include "utf8.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t rncl_utf8_character(const char *characters)
{
    const uint8_t *text = (const uint8_t *)characters, first = text[0];
    if (first < 0x80)
        return 1;
    const size_t length = first >= 0xc2 && first <= 0xdf ? 2 : (first & 0xf0) == 0xe0 ? 3 : 4;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    const uint8_t second = text[1];
    const int wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return wrong ? 0 : length;
}

char *rncl_utf8_text(const char *text)
{
    enum { ESCAPE = 4 }; /* \xe9 */
    char *copy = malloc(strlen(text) * ESCAPE + 1), *to = copy;
    for (const char *from = text; copy && *from;) {
        const size_t length = rncl_utf8_character(from);
        if (length) {
            memcpy(to, from, length);
            to += length;
            from += length;
        } else {
            to += snprintf(to, ESCAPE + 1, "\\x%02x", (uint8_t)*from++);
        }
    }
    if (copy)
        *to = '\0';
    return copy;
}
