/* safetensors: what is read and written, and that damaged or hostile files are refused. */
#include "temporary.h"

#include "safetensors.h"
#include "util.h"

static const unsigned char zeros[64];

static void tensors_of_a_valid_file_are_found_by_name(void **unused)
{
    (void)unused;
    const float values[] = {1, 2, 3, 4, 5, 6};
    const char *header = " {\"b\": {\"shape\": [2, 2], \"dtype\": \"F32\", \"data_offsets\": [8, 24]},\n"
                         "  \"__metadata__\": {\"format\": \"pt\"},\n"
                         "  \"a\": {\"dtype\": \"I64\", \"shape\": [], \"data_offsets\": [0, 8]}} ";
    write_raw(header, strlen(header), values, sizeof values);
    rncl_safetensors file;
    assert_int_equal(rncl_safetensors_open(path, &file), RNCL_OK);
    assert_int_equal(file.count, 2);
    assert_string_equal(rncl_safetensors_metadata(&file, "format"), "pt");
    assert_null(rncl_safetensors_metadata(&file, "rncl.arch"));
    const rncl_safetensor *a = rncl_safetensors_find(&file, "a"), *b = rncl_safetensors_find(&file, "b");
    assert_int_equal(a->dtype, RNCL_DTYPE_I64);
    assert_int_equal(a->rank, 0);
    assert_int_equal(a->size_bytes, 8);
    assert_int_equal(b->rank, 2);
    assert_memory_equal(b->data, values + 2, 16);
    assert_null(rncl_safetensors_find(&file, "c"));
    assert_null(rncl_safetensors_find(&file, "__metadata__"));
    rncl_safetensors_close(&file);
}

static void empty_tensors_are_no_overlap(void **unused)
{
    (void)unused;
    const char *header = "{\"full\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                         "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[0,0]}}";
    write_raw(header, strlen(header), zeros, 8);
    rncl_safetensors file;
    assert_int_equal(rncl_safetensors_open(path, &file), RNCL_OK);
    assert_int_equal(rncl_safetensors_find(&file, "empty")->size_bytes, 0);
    rncl_safetensors_close(&file);
}

#define F32(name, shape, begin, end)                                                                         \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"

static void damaged_and_hostile_headers_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *header;
        size_t data_bytes;
        const char *message;
    } cases[] = {
        {"", 0, "not a safetensors file"},
        {"[]", 0, "not a safetensors file"},
        {"{", 0, "not a safetensors file"},
        {"{} {}", 0, "not a safetensors file"},
        {"{" F32("a", "[1]", "0", "4") "," F32("a", "[1]", "4", "8") "}", 8, "duplicates"},
        {"{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "duplicates"},
        {"{\"a\":1}", 0, "data type ?"},
        {"{\"a\":{\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, "data type F16"},
        {"{\"a\":{\"dtype\":\"\\u001b[2J\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, "data type ?"},
        {"{\"a\\n\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "control characters"},
        {"{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, "shape"},
        {"{" F32("a", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, "shape"},
        {"{" F32("a", "[-1]", "0", "4") "}", 4, "not a size"},
        {"{" F32("a", "[1.0]", "0", "4") "}", 4, "not a size"},
        {"{" F32("a", "[4294967296,4294967296]", "0", "0") "}", 0, "too large"},
        {"{" F32("a", "[4611686018427387905]", "0", "4") "}", 4, "too large"},
        {"{" F32("a", "[99999999999999999999]", "0", "4") "}", 4, "not a safetensors file"},
        {"{" F32("a", "[1]", "4", "0") "}", 4, "beginning and an end"},
        {"{" F32("a", "[1]", "-4", "0") "}", 4, "beginning and an end"},
        {"{" F32("a", "[1]", "0", "4,8") "}", 8, "beginning and an end"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "beginning and an end"},
        {"{" F32("a", "[2]", "0", "8") "}", 4, "cut short"},
        {"{" F32("a", "[1]", "9223372036854775800", "9223372036854775804") "}", 4, "cut short"},
        {"{" F32("a", "[1]", "0", "8") "}", 8, "its shape asks for 4"},
        {"{" F32("a", "[1]", "0", "4") "," F32("b", "[1]", "2", "6") "}", 6, "overlaps"},
        {"{" F32("a", "[2]", "0", "8") "," F32("b", "[2]", "0", "8") "}", 8, "overlaps"},
        {"{" F32("a", "[1]", "0", "4") "," F32("b", "[1]", "8", "12") "}", 12, "gap"},
        {"{" F32("a", "[1]", "4", "8") "}", 8, "gap"},
        {"{" F32("a", "[1]", "0", "4") "}", 8, "belong to no tensor"},
        {"{\"__metadata__\":{\"format\":1}}", 0, "__metadata__"},
        {"{\"__metadata__\":\"pt\"}", 0, "__metadata__"},
        {"{\"__metadata__\":[\"pt\"]}", 0, "__metadata__"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_raw(cases[i].header, strlen(cases[i].header), zeros, cases[i].data_bytes);
        rncl_safetensors file;
        if (rncl_safetensors_open(path, &file) != RNCL_ERR_MODEL)
            fail_msg("not refused: %s", cases[i].header);
        assert_message_has(cases[i].message);
        assert_message_has(path);
        assert_null(file.header); /* nothing to close */
    }
}

static void header_lengths_beyond_the_file_or_the_limit_are_refused(void **unused)
{
    (void)unused;
    static const uint64_t lengths[] = {3, 100000001, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        write_raw("{}", (size_t)lengths[i], NULL, 0);
        rncl_safetensors file;
        assert_int_equal(rncl_safetensors_open(path, &file), RNCL_ERR_MODEL);
        assert_message_has("header");
    }
}

static void missing_empty_and_tiny_files_are_refused(void **unused)
{
    (void)unused;
    rncl_safetensors file;
    assert_int_equal(rncl_safetensors_open("/nowhere/model.safetensors", &file), RNCL_ERR_MODEL);
    assert_message_has("/nowhere/model.safetensors");
    for (size_t size = 0; size < 8; size++) {
        FILE *stream = fopen(path, "wb");
        assert_non_null(stream);
        assert_int_equal(fwrite(zeros, 1, size, stream), size);
        assert_int_equal(fclose(stream), 0);
        assert_int_equal(rncl_safetensors_open(path, &file), RNCL_ERR_MODEL);
        assert_message_has("too short");
    }
}

static void every_truncation_is_refused(void **unused)
{
    (void)unused;
    const char *header = "{" F32("a", "[1]", "0", "4") "," F32("b", "[2]", "4", "12") "}";
    size_t length = strlen(header);
    for (size_t kept = 0; kept < 12; kept++) {
        write_raw(header, length, zeros, kept);
        rncl_safetensors file;
        assert_int_equal(rncl_safetensors_open(path, &file), RNCL_ERR_MODEL);
    }
    for (size_t kept = 0; kept < length; kept++) {
        char part[256];
        snprintf(part, sizeof part, "%.*s", (int)kept, header);
        write_raw(part, kept, NULL, 0);
        rncl_safetensors file;
        assert_int_equal(rncl_safetensors_open(path, &file), RNCL_ERR_MODEL);
    }
}

static void written_files_read_back_with_aligned_data(void **unused)
{
    (void)unused;
    for (int length = 1; length <= 8; length++) {
        char name[9];
        snprintf(name, sizeof name, "%.*s", length, "abcdefgh");
        const rncl_safetensor tensors[] = {
            {.name = name, .dtype = RNCL_DTYPE_I64},
            {.name = "weights", .dtype = RNCL_DTYPE_F32, .rank = 2, .dims = {3, 2}},
        };
        json_t *metadata = json_pack("{s:s}", "format", "pt");
        rncl_atomic_file out;
        assert_int_equal(rncl_safetensors_create(path, metadata, tensors, COUNT(tensors), &out), RNCL_OK);
        json_decref(metadata);
        assert_int_equal(fwrite("01234567890123456789012345678901", 1, 32, out.stream), 32);
        assert_int_equal(rncl_atomic_file_commit(&out), RNCL_OK);

        rncl_safetensors file;
        assert_int_equal(rncl_safetensors_open(path, &file), RNCL_OK);
        assert_int_equal(file.count, 2);
        assert_string_equal(rncl_safetensors_metadata(&file, "format"), "pt");
        const rncl_safetensor *weights = rncl_safetensors_find(&file, "weights");
        assert_int_equal(weights->dims[0], 3);
        assert_int_equal(weights->dims[1], 2);
        assert_memory_equal(weights->data, "8901", 4);
        assert_int_equal((weights->data - file.file.data) % 8, 0);
        rncl_safetensors_close(&file);
    }
}

static void shapes_print_as_lists(void **unused)
{
    (void)unused;
    char text[16];
    rncl_safetensor_shape_text(&(rncl_safetensor){.rank = 0}, text, sizeof text);
    assert_string_equal(text, "[]");
    rncl_safetensor_shape_text(&(rncl_safetensor){.rank = 2, .dims = {10, 64}}, text, sizeof text);
    assert_string_equal(text, "[10, 64]");
    rncl_safetensor_shape_text(&(rncl_safetensor){.rank = 2, .dims = {SIZE_MAX, 1}}, text, sizeof text);
    assert_string_equal(text, "[18446744073709");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_of_a_valid_file_are_found_by_name),
        cmocka_unit_test(empty_tensors_are_no_overlap),
        cmocka_unit_test(damaged_and_hostile_headers_are_refused),
        cmocka_unit_test(header_lengths_beyond_the_file_or_the_limit_are_refused),
        cmocka_unit_test(missing_empty_and_tiny_files_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(written_files_read_back_with_aligned_data),
        cmocka_unit_test(shapes_print_as_lists),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
