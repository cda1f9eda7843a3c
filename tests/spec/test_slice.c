/* Slices of the operations' cases. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "slice.h"
#include "util.h"

/* The boxes cover every value of the slice's tensor once, from places inside the whole one. */
static void expect_cover(const rncl_spec_case *c, rncl_slot slot)
{
    const rncl_spec *spec = rncl_spec_of(c->desc.kind);
    rncl_spec_slice slice;
    rncl_slice_cut(c, &slice);
    const rncl_spec_layout part = spec->layout(&slice.part, slot), whole = spec->layout(c, slot);
    const size_t values = rncl_spec_layout_count(&part);
    rncl_slice_box boxes[RNCL_SLICE_BOXES];
    const size_t count = rncl_slice_boxes(&slice, &part, &whole, boxes);
    unsigned char *covered = calloc(values + 1, 1);
    assert_non_null(covered);
    for (size_t b = 0; values && b < count; b++)
        for (size_t i = 0; i < boxes[b].size[0]; i++)
            for (size_t j = 0; j < boxes[b].size[1]; j++)
                for (size_t k = 0; k < boxes[b].size[2]; k++) {
                    const size_t at[] = {i, j, k};
                    for (int d = 0; d < 3; d++)
                        assert_true(boxes[b].from[d] + at[d] < whole.size[d]);
                    const size_t place =
                        ((boxes[b].to[0] + i) * part.size[1] + boxes[b].to[1] + j) * part.size[2] +
                        boxes[b].to[2] + k;
                    assert_true(place < values && !covered[place]);
                    covered[place] = 1;
                }
    for (size_t i = 0; i < values; i++)
        assert_true(covered[i]);
    free(covered);
}

static void boxes_cover_the_slices_of_all_operations(void **state)
{
    (void)state;
    int slices = 0;
    for (rncl_op_kind kind = 0; kind < RNCL_OP_COUNT; kind++) {
        const rncl_spec *spec = rncl_spec_of(kind);
        for (size_t i = 0; i < spec->shape_count; i++)
            for (int pass = 0; pass < RNCL_OP_PASSES && rncl_op_type_of(kind)->passes[pass].name; pass++) {
                const rncl_spec_case c = rncl_spec_training_case(&spec->shapes[i].desc, pass);
                const rncl_spec_pass *p = &spec->passes[pass];
                RNCL_FOR_SLOTS ((p->reads | p->results) & ~RNCL_SLOT_BIT(saved), slot)
                    expect_cover(&c, slot);
                slices++;
            }
    }
    assert_true(slices > 40);
}

/* Of 5 pictures and 7 outputs: the first, the middle and the last; all of x of those pictures. */
static void a_convolution_is_cut_into_pictures_and_outputs(void **state)
{
    (void)state;
    const rncl_op_desc desc = {
        .kind = RNCL_OP_conv,
        .conv = {.n = 5, .h = 4, .w = 4, .c = 2, .k = 7, .r = 1, .s = 1, .stride = 1, .p = 4, .q = 4}};
    const rncl_spec_case c = rncl_spec_training_case(&desc, RNCL_CONV_FORWARD);
    const rncl_spec *spec = rncl_spec_of(RNCL_OP_conv);
    rncl_spec_slice slice;
    rncl_slice_box boxes[RNCL_SLICE_BOXES];
    rncl_slice_cut(&c, &slice);
    const rncl_spec_layout x = spec->layout(&slice.part, RNCL_SLOT_x),
                           whole_x = spec->layout(&c, RNCL_SLOT_x);
    assert_int_equal(rncl_slice_boxes(&slice, &x, &whole_x, boxes), 3);
    assert_int_equal(boxes[1].from[0], 2);
    assert_int_equal(boxes[1].to[0], 1);
    assert_int_equal(boxes[1].size[1], 16);
    assert_int_equal(boxes[1].size[2], 2);
    const rncl_spec_layout y = spec->layout(&slice.part, RNCL_SLOT_y),
                           whole_y = spec->layout(&c, RNCL_SLOT_y);
    assert_int_equal(rncl_slice_boxes(&slice, &y, &whole_y, boxes), 9);
    assert_int_equal(boxes[8].from[0], 4);
    assert_int_equal(boxes[8].from[2], 6);
    assert_int_equal(boxes[8].size[2], 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(boxes_cover_the_slices_of_all_operations),
        cmocka_unit_test(a_convolution_is_cut_into_pictures_and_outputs),
    };
    return cmocka_run_group_tests_name("slice", tests, NULL, NULL);
}
