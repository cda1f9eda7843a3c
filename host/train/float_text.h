/* Floats as short text: "0.1", not "0.100000001". */
#ifndef RNCL_TRAIN_FLOAT_TEXT_H
#define RNCL_TRAIN_FLOAT_TEXT_H

#include <stddef.h>

enum { RNCL_FLOAT_TEXT = 32 }; /* long enough for any */

/* The fewest significant digits that read back as the same float. */
void rncl_float_text(float value, char *text, size_t size);

#endif
