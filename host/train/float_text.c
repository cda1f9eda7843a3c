/* The shortest text of a float. */
#include "float_text.h"

#include <stdio.h>
#include <stdlib.h>

enum { FEWEST_DIGITS = 6, ENOUGH_DIGITS = 9 };

void rncl_float_text(float value, char *text, size_t size)
{
    for (int digits = FEWEST_DIGITS; digits <= ENOUGH_DIGITS; digits++) {
        snprintf(text, size, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value)
            return;
    }
}
