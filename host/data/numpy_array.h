/* numpy's arrays of unsigned bytes in pickles. */
#ifndef RNCL_DATA_NUMPY_ARRAY_H
#define RNCL_DATA_NUMPY_ARRAY_H

#include "pickle.h"

/* Plain data, byte strings and arrays, in the files of data sets; failures are RNCL_ERR_DATA. */
extern const rncl_pickle_rules rncl_numpy_rules;

/* The elements of an array, row by row; they live as long as the pickle and its input. RNCL_ERR_DATA if it is
 * none (`array` can be NULL), or of other elements than unsigned bytes, or stored column by column. `path` is
 * for messages. */
rncl_status rncl_numpy_bytes(const char *path, const rncl_pickle_value *array, rncl_contents *out);

#endif
