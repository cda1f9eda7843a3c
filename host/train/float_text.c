/* The shortest text of a float. */
#include "float_text.h"

#include "number.h"

enum { FEWEST_DIGITS = 6, ENOUGH_DIGITS = 9 };

void rncl_float_text(float value, char *text, size_t size)
{
    for (int digits = FEWEST_DIGITS; digits <= ENOUGH_DIGITS; digits++) {
        rncl_number_format(text, size, "%.*g", digits, (double)value);
        if (rncl_number_parse_float(text, NULL) == value)
            return;
    }
}
