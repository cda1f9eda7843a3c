/* What all formats of tensors share: element types, strides, prefixes. */
#include "nn_test.h"

#include <math.h>
#include <stdio.h>

#include "tensor_file.h"
#include "util.h"

static float float_of(rncl_dtype dtype, const void *bytes)
{
    float value;
    rncl_file_tensor_floats(&(rncl_file_tensor){.dtype = dtype, .data = bytes}, &value);
    return value;
}

static void half_floats_are_exact(void **unused)
{
    (void)unused;
    static const struct {
        uint16_t bits;
        float value;
    } cases[] = {
        {0x0000, 0.0f},     {0x3c00, 1.0f},      {0xc000, -2.0f},    {0x3555, 0x1.554p-2f},
        {0x7bff, 65504.0f}, {0x0400, 0x1p-14f},  {0x0001, 0x1p-24f}, {0x83ff, -0x1.ff8p-15f},
        {0x7c00, INFINITY}, {0xfc00, -INFINITY},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(float_of(RNCL_DTYPE_F16, &cases[i].bits) == cases[i].value);
    assert_true(isnan(float_of(RNCL_DTYPE_F16, &(uint16_t){0x7e00})));
    assert_true(signbit(float_of(RNCL_DTYPE_F16, &(uint16_t){0x8000})));
    assert_true(float_of(RNCL_DTYPE_BF16, &(uint16_t){0x3f80}) == 1.0f);
    assert_true(float_of(RNCL_DTYPE_BF16, &(uint16_t){0xc2f7}) == -123.5f);
    assert_true(float_of(RNCL_DTYPE_F64, &(double){1.0 + 0x1p-40}) == 1.0f);
}

static void integers_of_every_type_become_64_bits(void **unused)
{
    (void)unused;
    static const struct {
        rncl_dtype dtype;
        unsigned char bytes[8];
        int64_t value;
    } cases[] = {
        {RNCL_DTYPE_I64, {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, -2},
        {RNCL_DTYPE_I32, {0xfe, 0xff, 0xff, 0xff, 1}, -2},
        {RNCL_DTYPE_I16, {0xfe, 0xff, 1}, -2},
        {RNCL_DTYPE_I8, {0xfe, 1}, -2},
        {RNCL_DTYPE_I8, {0x7f, 1}, 127},
        {RNCL_DTYPE_U8, {0xfe, 1}, 254},
        {RNCL_DTYPE_U16, {0xfe, 0xff, 1}, 65534},
        {RNCL_DTYPE_U32, {0xfe, 0xff, 0xff, 0xff, 1}, 4294967294},
        {RNCL_DTYPE_U64, {5}, 5},
        {RNCL_DTYPE_U64, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, INT64_MAX},
        {RNCL_DTYPE_F16, {0x00, 0xc1}, -2},
        {RNCL_DTYPE_F32, {0x00, 0x00, 0xe0, 0x40}, 7},
        {RNCL_DTYPE_F32, {0x00, 0x00, 0x80, 0x7f}, INT64_MAX},
        {RNCL_DTYPE_F32, {0x00, 0x00, 0x80, 0xff}, INT64_MIN},
        {RNCL_DTYPE_F32, {0x00, 0x00, 0xc0, 0x7f}, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_true(rncl_file_tensor_integer(&(rncl_file_tensor){.dtype = cases[i].dtype,
                                                                 .data = cases[i].bytes}) == cases[i].value);
}

static void strides_are_followed(void **unused)
{
    (void)unused;
    static const float data[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
    float values[12];
    const rncl_file_tensor turned = {.dtype = RNCL_DTYPE_F32,
                                     .rank = 3,
                                     .dims = {2, 3, 2},
                                     .strides = {1, 2, 6},
                                     .data = (const unsigned char *)data};
    rncl_file_tensor_floats(&turned, values);
    for (int a = 0; a < 2; a++)
        for (int b = 0; b < 3; b++)
            for (int c = 0; c < 2; c++)
                assert_float_equal(values[(a * 3 + b) * 2 + c], (float)(a + 2 * b + 6 * c), 0);
}

/* A file of empty tensors with these names. */
static rncl_status read_names(const char *const *names, rncl_tensor_file *out)
{
    static char bytes[1024];
    size_t length = 8;
    for (size_t i = 0; names[i]; i++)
        length += (size_t)snprintf(bytes + length, sizeof bytes - length,
                                   "%s\"%s\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}",
                                   i ? "," : "{", names[i]);
    length += (size_t)snprintf(bytes + length, sizeof bytes - length, "}");
    memcpy(bytes, &(uint64_t){length - 8}, 8);
    return rncl_tensor_file_parse("names", (rncl_contents){(const unsigned char *)bytes, length}, out);
}

static void prefixes_that_all_names_share_are_taken_off(void **unused)
{
    (void)unused;
    static const struct {
        const char *names[4], *prefix, *first;
    } cases[] = {
        {{"conv1", "fc"}, NULL, "conv1"},
        {{"module.conv1", "module.fc"}, "module.", "conv1"},
        {{"_orig_mod.conv1", "_orig_mod.fc"}, "_orig_mod.", "conv1"},
        {{"model.conv1", "model.fc"}, "model.", "conv1"},
        {{"backbone.conv1", "backbone.fc"}, "backbone.", "conv1"},
        {{"module.model.backbone._orig_mod.conv1", "module.model.backbone._orig_mod.fc"},
         "module.model.backbone._orig_mod.",
         "conv1"},
        {{"backbone.conv1", "head.fc"}, NULL, "backbone.conv1"},
        {{"module.backbone.conv1", "module.head.fc"}, "module.", "backbone.conv1"},
        {{"modules.conv1", "modules.fc"}, NULL, "modules.conv1"},
        {{"encoder.conv1", "encoder.fc"}, NULL, "encoder.conv1"},
        {{"model.", "model.a"}, "model.", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        rncl_tensor_file file;
        assert_int_equal(read_names(cases[i].names, &file), RNCL_OK);
        if (cases[i].prefix)
            assert_string_equal(file.prefix, cases[i].prefix);
        else
            assert_null(file.prefix);
        assert_string_equal(file.tensors[0].name, cases[i].first);
        rncl_tensor_file_close(&file);
    }
}

static void files_without_tensors_are_empty(void **unused)
{
    (void)unused;
    rncl_tensor_file file;
    static const unsigned char bytes[] = {2, 0, 0, 0, 0, 0, 0, 0, '{', '}'};
    assert_int_equal(rncl_tensor_file_parse("empty", (rncl_contents){bytes, sizeof bytes}, &file), RNCL_OK);
    assert_int_equal(file.count, 0);
    assert_null(rncl_tensor_file_find(&file, "a"));
    rncl_tensor_file_close(&file);
    assert_int_equal(rncl_tensor_file_parse("nothing", (rncl_contents){NULL, 0}, &file), RNCL_ERR_MODEL);
}

static void other_files_by_that_name_are_called_what_they_are(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *message;
    } files[] = {
        {"<!DOCTYPE html><html>not found</html>", "file: a web page"},
        {"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n", "file: a pointer of Git LFS"},
        {"RNCLCKPT\3 and more", "file: a checkpoint, for --resume; the weights are in best.safetensors"},
        {"{\"weight_map\": {}}", "file: text, not weights"},
        {"; what this run was told", "file: text, not weights"},
        {"a\tb\r\nc\td\r\n", "file: text, not weights"},
        {"\1\2\3\4\5\6\7\10 and more", "file: neither a safetensors nor a .pth file"},
    };
    for (size_t i = 0; i < COUNT(files); i++) {
        rncl_tensor_file file;
        const rncl_contents bytes = {(const unsigned char *)files[i].text, strlen(files[i].text)};
        assert_int_equal(rncl_tensor_file_parse("file", bytes, &file), RNCL_ERR_MODEL);
        assert_message_has(files[i].message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_floats_are_exact),
        cmocka_unit_test(integers_of_every_type_become_64_bits),
        cmocka_unit_test(strides_are_followed),
        cmocka_unit_test(prefixes_that_all_names_share_are_taken_off),
        cmocka_unit_test(other_files_by_that_name_are_called_what_they_are),
        cmocka_unit_test(files_without_tensors_are_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
