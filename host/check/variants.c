/* The variants, and which of them apply to an operation. */
#include "variants.h"

#include "util.h"

#define DX RNCL_OP_ACCUMULATE_DX
#define PARAMS RNCL_OP_ACCUMULATE_PARAMS
#define RELU RNCL_EPILOGUE_RELU

/* Random shapes run two neighbours of this list, so that different kinds alternate. */
static const check_variant variants[] = {
    {.name = "integers", .integers = true},
    {.name = "normal, accumulated", .flags = DX | PARAMS},
    {.name = "integers, parameters accumulated", .integers = true, .flags = PARAMS},
    {.name = "normal"},
    {.name = "in place, accumulated", .in_place = true, .flags = DX | PARAMS},
    {.name = "inference", .inference = true},
    {.name = "integers, without dx", .integers = true, .no_dx = true},
    {.name = "normal, dx accumulated", .flags = DX},
    {.name = "normal, epilogue", .inference = true, .epilogue = RNCL_EPILOGUE_NORMALISE},
    {.name = "in place", .in_place = true},
    {.name = "integers, accumulated", .integers = true, .flags = DX | PARAMS},
    {.name = "frozen", .frozen = true},
    {.name = "normal, epilogue with ReLU", .inference = true, .epilogue = RNCL_EPILOGUE_NORMALISE | RELU},
    {.name = "normal, without dx", .no_dx = true},
    {.name = "integers, frozen", .integers = true, .frozen = true},
    {.name = "frozen, in place", .frozen = true, .in_place = true},
    {.name = "integers, inference", .integers = true, .inference = true},
    {.name = "integers, epilogue with addition and ReLU",
     .integers = true,
     .inference = true,
     .epilogue = RNCL_EPILOGUE_NORMALISE | RNCL_EPILOGUE_ADD | RELU},
    {.name = "normal, epilogue with addition and ReLU",
     .inference = true,
     .epilogue = RNCL_EPILOGUE_NORMALISE | RNCL_EPILOGUE_ADD | RELU},
    {.name = "normal, parameters accumulated", .flags = PARAMS},
    {.name = "frozen, in place, dx accumulated", .frozen = true, .in_place = true, .flags = DX},
    {.name = "integers, dx accumulated", .integers = true, .flags = DX},
};
_Static_assert(COUNT(variants) <= CHECK_VARIANTS, "more variants than callers have room for");

enum { SIGNS_WIDTH = 4 }; /* of GPUs */

static const check_variant sums_variants[] = {
    {.name = "gradient sums", .sums = true},
    {.name = "gradient sums by signs, dx accumulated", .sums = true, .signs_width = SIGNS_WIDTH, .flags = DX},
    {.name = "gradient sums, in place", .sums = true, .in_place = true},
    {.name = "gradient sums behind a residual", .sums = true, .dz = true},
    {.name = "gradient sums behind a residual, dx accumulated", .sums = true, .dz = true, .flags = DX},
};

/* Properties of an operation that decide which variants apply. */
typedef struct abilities {
    bool integers, backward, parameters, dx_apart, in_place, epilogue, sums;
} abilities;

static abilities abilities_of(rncl_op_kind kind)
{
    const rncl_op_type *type = rncl_op_type_of(kind);
    const rncl_spec *spec = rncl_spec_of(kind);
    rncl_op_needs needs = {0};
    abilities can = {0};
    for (size_t i = 0; i < type->row_count; i++) {
        can.integers = can.integers || type->rows[i]->exact;
        can.epilogue = can.epilogue || type->rows[i]->epilogue;
    }
    for (int pass = RNCL_OP_BACKWARD; pass < RNCL_OP_PASSES && !spec->separate; pass++) {
        can.backward = can.backward || spec->passes[pass].results;
        can.parameters = can.parameters || spec->passes[pass].results & RNCL_SLOT_BIT(dweight);
        can.dx_apart = can.dx_apart || type->passes[pass].for_dx;
    }
    can.sums = kind == RNCL_OP_conv || kind == RNCL_OP_batchnorm;
    can.in_place = !type->shape(&spec->shapes[0].desc, &(rncl_op_choice){0}, &needs) && needs.dx_may_be_x;
    return can;
}

static bool applies(const check_variant *v, const abilities *can)
{
    return (!v->integers || can->integers) && (!v->epilogue || can->epilogue) &&
           (!v->inference || can->backward) && (!v->in_place || can->in_place) && (!v->sums || can->sums) &&
           (!v->no_dx || (can->dx_apart && can->parameters)) && (!v->frozen || can->parameters) &&
           (!(v->flags & DX) || can->backward) && (!(v->flags & PARAMS) || can->parameters);
}

static size_t list(rncl_op_kind kind, const check_variant *from, size_t of, const check_variant **out)
{
    const abilities can = abilities_of(kind);
    size_t count = 0;
    for (size_t i = 0; i < of; i++)
        if (applies(&from[i], &can))
            out[count++] = &from[i];
    return count;
}

size_t check_variants_of(rncl_op_kind kind, const check_variant *out[CHECK_VARIANTS])
{
    return list(kind, variants, COUNT(variants), out);
}

size_t check_sums_variants_of(rncl_op_kind kind, const check_variant *out[CHECK_VARIANTS])
{
    return list(kind, sums_variants, COUNT(sums_variants), out);
}

void check_choose_sums(const check_variant *variant, const rncl_op_desc *desc, rncl_op_choice *choice)
{
    choice->gradient_sums = variant->sums && desc->kind == RNCL_OP_conv;
    choice->gradient_parts = variant->sums && desc->kind == RNCL_OP_batchnorm ? CHECK_SUMS : 0;
    choice->residual_before = choice->gradient_sums && variant->dz;
    choice->given_dz = choice->gradient_parts && variant->dz;
    choice->signs_width = choice->gradient_sums ? variant->signs_width : 0;
    while (choice->signs_width && desc->conv.c % choice->signs_width)
        choice->signs_width /= 2;
}
