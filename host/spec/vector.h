/* Shared by the specifications of operations on vectors of floats. */
#ifndef RNCL_SPEC_VECTOR_H
#define RNCL_SPEC_VECTOR_H

#include "slice.h"

/* Every tensor is a vector of desc.n floats; slices are any of them. */
rncl_spec_layout rncl_vector_layout(const rncl_spec_case *c, rncl_slot slot);
void rncl_vector_cut(rncl_spec_slice *slice);
double rncl_vector_work(const rncl_spec_case *c);

/* Each value results from a few operations. */
rncl_spec_sum rncl_vector_sum(const rncl_spec_case *c, rncl_slot slot);

/* Draws a length. */
int rncl_vector_draw(rncl_random *random);

#endif
