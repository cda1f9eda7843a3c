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

/* Properties of an operation that decide which variants apply. */
typedef struct abilities {
    bool integers, backward, parameters, dx_apart, in_place, epilogue;
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
    can.in_place = !type->shape(&spec->shapes[0].desc, &(rncl_op_choice){0}, &needs) && needs.dx_may_be_x;
    return can;
}

static bool applies(const check_variant *v, const abilities *can)
{
    return (!v->integers || can->integers) && (!v->epilogue || can->epilogue) &&
           (!v->inference || can->backward) && (!v->in_place || can->in_place) &&
           (!v->no_dx || (can->dx_apart && can->parameters)) && (!v->frozen || can->parameters) &&
           (!(v->flags & DX) || can->backward) && (!(v->flags & PARAMS) || can->parameters);
}

size_t check_variants_of(rncl_op_kind kind, const check_variant *out[CHECK_VARIANTS])
{
    const abilities can = abilities_of(kind);
    size_t count = 0;
    for (size_t i = 0; i < COUNT(variants); i++)
        if (applies(&variants[i], &can))
            out[count++] = &variants[i];
    return count;
}
