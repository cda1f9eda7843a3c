/* Variants: the ways in which each shape is tried. */
#ifndef RNCL_CHECK_VARIANTS_H
#define RNCL_CHECK_VARIANTS_H

#include "spec.h"

typedef struct check_variant {
    const char *name;
    bool integers;     /* small integers, for which exact rows must give exact results; else normal numbers */
    bool inference;    /* no backward pass; batch normalisation uses its running statistics */
    bool in_place;     /* dresidual is dy, and dx is x, where that is allowed */
    bool no_dx;        /* dx is not computed */
    unsigned epilogue; /* as in rncl_op_choice; with inference */
    bool frozen;       /* parameters and running statistics do not change */
    unsigned flags;    /* RNCL_OP_ACCUMULATE_… of the backward pass */
    bool sums; /* a convolution leaves the sums of the batch normalisation before it, which is given them */
    int signs_width; /* with sums: as in rncl_op_choice, or less where the channels are no multiple of it */
    bool dz;         /* with sums: a residual comes before the ReLU, and what passes it is given in dy */
} check_variant;

/* CHECK_SUMS: parts of the sums that a batch normalisation is given. */
enum { CHECK_VARIANTS = 24, CHECK_SUMS = 3 };

/* Writes the variants that apply to the operation and returns their number. Fixed shapes run all, random
 * ones two neighbours in turn. */
size_t check_variants_of(rncl_op_kind kind, const check_variant *variants[CHECK_VARIANTS]);

/* The same of variants with sums, apart, since only some algorithms leave any. */
size_t check_sums_variants_of(rncl_op_kind kind, const check_variant *variants[CHECK_VARIANTS]);

/* Sets what the variant says about sums, for an operation at that shape. */
void check_choose_sums(const check_variant *variant, const rncl_op_desc *desc, rncl_op_choice *choice);

#endif
