/* safetensors: what is read and written, and that damaged or hostile files are refused. */
#include "temporary.h"

#include <sys/mman.h>

#include "random.h"
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
    rncl_tensor_file file;
    assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_OK);
    assert_int_equal(file.count, 2);
    assert_string_equal(rncl_tensor_file_metadata(&file, "format"), "pt");
    assert_null(rncl_tensor_file_metadata(&file, "rncl.arch"));
    const rncl_file_tensor *a = rncl_tensor_file_find(&file, "a"), *b = rncl_tensor_file_find(&file, "b");
    assert_int_equal(a->dtype, RNCL_DTYPE_I64);
    assert_int_equal(a->rank, 0);
    assert_int_equal(b->rank, 2);
    assert_memory_equal(b->data, values + 2, 16);
    assert_null(rncl_tensor_file_find(&file, "c"));
    assert_null(rncl_tensor_file_find(&file, "__metadata__"));
    rncl_tensor_file_close(&file);
}

/* As the format's own library reads it. */
static void metadata_may_be_null(void **unused)
{
    (void)unused;
    const char *header =
        "{\"__metadata__\":null,\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}";
    write_raw(header, strlen(header), zeros, 8);
    rncl_tensor_file file;
    assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_OK);
    assert_int_equal(file.count, 1);
    assert_null(rncl_tensor_file_metadata(&file, "format"));
    rncl_tensor_file_close(&file);
}

static void empty_tensors_are_no_overlap(void **unused)
{
    (void)unused;
    const char *header = "{\"full\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                         "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[0,0]}}";
    write_raw(header, strlen(header), zeros, 8);
    rncl_tensor_file file;
    assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_OK);
    assert_int_equal(rncl_tensor_file_find(&file, "empty")->dims[0], 0);
    rncl_tensor_file_close(&file);
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
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, "data type F8_E4M3"},
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
        {"{" F32("a", "[1]", "0", "4") "," F32("b", "[0]", "2", "2") "}", 4, "overlaps"},
        {"{" F32("a", "[1]", "0.0", "4") "}", 4, "beginning and an end"},
        {"{\"a\":{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "data type ?"},
        {"{\"a\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "data type f32"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":{\"0\":1},\"data_offsets\":[0,4]}}", 4, "shape"},
        {"{\"a\\u0000b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "not a safetensors file"},
        {"{\"\xff\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "not a safetensors file"},
        {"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicates"},
        {"{\"__metadata__\":{\"format\":1}}", 0, "__metadata__"},
        {"{\"__metadata__\":{\"format\":1,\"note\":\"a text\"}}", 0, "__metadata__"},
        {"{\"__metadata__\":\"pt\"}", 0, "__metadata__"},
        {"{\"__metadata__\":[\"pt\"]}", 0, "__metadata__"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        write_raw(cases[i].header, strlen(cases[i].header), zeros, cases[i].data_bytes);
        rncl_tensor_file file;
        if (rncl_tensor_file_open(path, &file) != RNCL_ERR_MODEL)
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
        rncl_tensor_file file;
        assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_ERR_MODEL);
        assert_message_has("header");
    }
}

/* The file has the promised length, but is sparse. */
static void headers_that_would_take_all_memory_are_not_parsed(void **unused)
{
    (void)unused;
    write_raw("{", 10000001, NULL, 0);
    assert_int_equal(truncate(path, 10000009), 0);
    rncl_tensor_file file;
    assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_ERR_MODEL);
    assert_message_has("its header would have 10000001 bytes");
}

static void missing_empty_and_tiny_files_are_refused(void **unused)
{
    (void)unused;
    rncl_tensor_file file;
    assert_int_equal(rncl_tensor_file_open("/nowhere/model.safetensors", &file), RNCL_ERR_MODEL);
    assert_message_has("/nowhere/model.safetensors");
    for (size_t size = 0; size < 8; size++) {
        FILE *stream = fopen(path, "wb");
        assert_non_null(stream);
        assert_int_equal(fwrite(zeros, 1, size, stream), size);
        assert_int_equal(fclose(stream), 0);
        assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_ERR_MODEL);
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
        rncl_tensor_file file;
        assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_ERR_MODEL);
    }
    for (size_t kept = 0; kept < length; kept++) {
        char part[256];
        snprintf(part, sizeof part, "%.*s", (int)kept, header);
        write_raw(part, kept, NULL, 0);
        rncl_tensor_file file;
        assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_ERR_MODEL);
    }
}

/* Every tensor must lie inside the file, and together the tensors must cover it. */
static void assert_sound(const rncl_tensor_file *file)
{
    size_t covered = 0;
    for (size_t i = 0; i < file->count; i++) {
        const rncl_file_tensor *tensor = &file->tensors[i];
        const size_t begin = (size_t)(tensor->data - file->file.data);
        size_t size_bytes;
        assert_true(rncl_file_tensor_bytes(tensor, &size_bytes));
        assert_true(begin <= file->file.size_bytes && size_bytes <= file->file.size_bytes - begin);
        assert_ptr_equal(rncl_tensor_file_find(file, tensor->name), tensor);
        covered += size_bytes;
    }
    assert_true(covered < file->file.size_bytes);
}

/* Damages a file in a few places, most of them where the header is: a bit, a byte, or a digit of a size. */
static void damage(rncl_random *random, unsigned char *bytes, size_t header_bytes, size_t size_bytes)
{
    static const char meaningful[] = "0123456789,:[]{}\"-e. ";
    for (uint32_t left = 1 + rncl_random_below(random, 4); left > 0; left--) {
        const size_t end = rncl_random_below(random, 8) ? header_bytes : size_bytes;
        unsigned char *byte = &bytes[rncl_random_below(random, (uint32_t)end)];
        switch (rncl_random_below(random, 3)) {
        case 0:
            *byte ^= (unsigned char)(1u << rncl_random_below(random, 8));
            break;
        case 1:
            *byte = (unsigned char)rncl_random_below(random, 256);
            break;
        default:
            *byte = (unsigned char)meaningful[rncl_random_below(random, sizeof meaningful - 1)];
        }
    }
}

/* The file is one in memory: 20,000 on a disk would take minutes. */
static void damaged_files_are_refused_or_sound(void **unused)
{
    (void)unused;
    enum { ROUNDS = 20000, LENGTH_BYTES = 8, DATA_BYTES = 16 };
    static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}," F32("a", "[1]", "0", "4") "," F32(
        "b", "[2,1]", "4", "12") "," F32("c", "[0,5]", "12", "12") "," F32("d", "[]", "12", "16") "}";
    const uint64_t length = sizeof header - 1;
    unsigned char good[LENGTH_BYTES + sizeof header - 1 + DATA_BYTES] = {0}, bytes[sizeof good];
    memcpy(good, &length, LENGTH_BYTES);
    memcpy(good + LENGTH_BYTES, header, length);
    const int memory = memfd_create("model", 0);
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", memory);
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0);
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(bytes, good, sizeof good);
        damage(&random, bytes, sizeof good - DATA_BYTES, sizeof good);
        assert_int_equal(pwrite(memory, bytes, sizeof bytes, 0), sizeof bytes);
        rncl_tensor_file file;
        const rncl_status st = rncl_tensor_file_open(name, &file);
        if (st) {
            assert_int_equal(st, RNCL_ERR_MODEL);
            refused++;
            continue;
        }
        assert_sound(&file);
        rncl_tensor_file_close(&file);
    }
    close(memory);
    assert_in_range(refused, ROUNDS / 2, ROUNDS - 1); /* some damage does not matter */
}

/* Nested as deeply as the limit on the header's size allows. */
static void nested_headers_are_refused(void **unused)
{
    (void)unused;
    enum { DEPTH = 1000000 };
    char *header = malloc(DEPTH + 1);
    assert_non_null(header);
    memset(header, '[', DEPTH);
    header[DEPTH] = '\0';
    write_raw(header, DEPTH, NULL, 0);
    free(header);
    rncl_tensor_file file;
    assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_ERR_MODEL);
    assert_message_has("not a safetensors file");
}

static void written_files_read_back_with_aligned_data(void **unused)
{
    (void)unused;
    for (int length = 1; length <= 8; length++) {
        char name[9];
        snprintf(name, sizeof name, "%.*s", length, "abcdefgh");
        const rncl_file_tensor tensors[] = {
            {.name = name, .dtype = RNCL_DTYPE_I64},
            {.name = "weights", .dtype = RNCL_DTYPE_F32, .rank = 2, .dims = {3, 2}},
        };
        json_t *metadata = json_pack("{s:s}", "format", "pt");
        rncl_atomic_file out;
        assert_int_equal(rncl_safetensors_create(path, metadata, tensors, COUNT(tensors), &out), RNCL_OK);
        json_decref(metadata);
        assert_int_equal(fwrite("01234567890123456789012345678901", 1, 32, out.stream), 32);
        assert_int_equal(rncl_atomic_file_commit(&out), RNCL_OK);

        rncl_tensor_file file;
        assert_int_equal(rncl_tensor_file_open(path, &file), RNCL_OK);
        assert_int_equal(file.count, 2);
        assert_string_equal(rncl_tensor_file_metadata(&file, "format"), "pt");
        const rncl_file_tensor *weights = rncl_tensor_file_find(&file, "weights");
        assert_int_equal(weights->dims[0], 3);
        assert_int_equal(weights->dims[1], 2);
        assert_memory_equal(weights->data, "8901", 4);
        assert_int_equal((weights->data - file.file.data) % 8, 0);
        rncl_tensor_file_close(&file);
    }
}

static void shapes_beyond_memory_are_not_written(void **unused)
{
    (void)unused;
    const rncl_file_tensor huge[] = {
        {.name = "a", .dtype = RNCL_DTYPE_F32, .rank = 2, .dims = {SIZE_MAX, SIZE_MAX}},
        {.name = "b", .dtype = RNCL_DTYPE_F32, .rank = 1, .dims = {1}}};
    json_t *metadata = json_object();
    rncl_atomic_file out;
    assert_int_equal(rncl_safetensors_create(path, metadata, huge, COUNT(huge), &out), RNCL_ERR_MEMORY);
    json_decref(metadata);
}

static void shapes_print_as_lists(void **unused)
{
    (void)unused;
    char text[16];
    rncl_file_tensor_shape_text(&(rncl_file_tensor){.rank = 0}, text, sizeof text);
    assert_string_equal(text, "[]");
    rncl_file_tensor_shape_text(&(rncl_file_tensor){.rank = 2, .dims = {10, 64}}, text, sizeof text);
    assert_string_equal(text, "[10, 64]");
    rncl_file_tensor_shape_text(&(rncl_file_tensor){.rank = 2, .dims = {SIZE_MAX, 1}}, text, sizeof text);
    assert_string_equal(text, "[18446744073709");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_of_a_valid_file_are_found_by_name),
        cmocka_unit_test(metadata_may_be_null),
        cmocka_unit_test(empty_tensors_are_no_overlap),
        cmocka_unit_test(damaged_and_hostile_headers_are_refused),
        cmocka_unit_test(header_lengths_beyond_the_file_or_the_limit_are_refused),
        cmocka_unit_test(headers_that_would_take_all_memory_are_not_parsed),
        cmocka_unit_test(missing_empty_and_tiny_files_are_refused),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(damaged_files_are_refused_or_sound),
        cmocka_unit_test(nested_headers_are_refused),
        cmocka_unit_test(written_files_read_back_with_aligned_data),
        cmocka_unit_test(shapes_beyond_memory_are_not_written),
        cmocka_unit_test(shapes_print_as_lists),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
