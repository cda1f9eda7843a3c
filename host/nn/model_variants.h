/* Networks of other programs that are near to rncl's and still not the same. */
#ifndef RNCL_NN_MODEL_VARIANTS_H
#define RNCL_NN_MODEL_VARIANTS_H

#include "tensor_file.h"

/* What the file's tensors tell of a network that rncl does not have, as the end of a sentence: "its stem has
 * three convolutions (…)". NULL if nothing in it is known. */
const char *rncl_model_variant(const rncl_tensor_file *file);

/* The same by the file's path, for networks that do other things with the same names and shapes, as timm's
 * resnetaa50; NULL: nothing is suspected. */
const char *rncl_model_variant_of_path(const char *path);

#endif
