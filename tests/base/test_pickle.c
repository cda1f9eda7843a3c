/* The machine that reads pickles: values of every protocol it knows; what is foreign, damaged or larger than
 * its bytes is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "golden/pickle_golden.h"
#include "pickle.h"
#include "random.h"
#include "util.h"

enum { FIRST_PROTOCOL = 2, CALLABLE = 7 };

static const rncl_pickle_global globals[] = {
    {"collections", "OrderedDict", RNCL_PICKLE_MAKE_DICT, 0},
    {"_codecs", "encode", RNCL_PICKLE_MAKE_BYTES, 0},
    {"house", "build", RNCL_PICKLE_MAKE_OBJECT, CALLABLE},
    {"house", "brick", RNCL_PICKLE_NOT_CALLABLE, 0},
};

static const rncl_pickle_rules rules = {.failure = RNCL_ERR_DATA,
                                        .damage_advice = "fetch it",
                                        .foreign_advice = "save it",
                                        .globals = globals,
                                        .global_count = COUNT(globals)};

static rncl_status read_bytes(const void *bytes, size_t size, rncl_pickle *out)
{
    return rncl_pickle_read("it", (rncl_contents){bytes, size}, &rules, out);
}

#define READ(literal, out) read_bytes(literal, sizeof(literal) - 1, out)

static void expect_integer(const rncl_pickle_value *value, rncl_pickle_kind kind, int64_t integer)
{
    assert_non_null(value);
    assert_int_equal(value->kind, kind);
    assert_int_equal(value->integer, integer);
}

static void expect_text(const rncl_pickle_value *value, const char *text)
{
    assert_true(rncl_pickle_is_text(value, text));
}

static void every_protocol_gives_the_same_values(void **state)
{
    (void)state;
    static const int64_t numbers[] = {1, 300, 70000, -4, INT64_C(1) << 40, -(INT64_C(1) << 33), INT64_MAX};
    for (size_t i = FIRST_PROTOCOL; i < COUNT(pickle_protocols); i++) {
        rncl_pickle pickle;
        if (read_bytes(pickle_protocols[i].bytes, pickle_protocols[i].size_bytes, &pickle))
            fail_msg("protocol %zu: %s", i, rncl_status_message());
        assert_int_equal(pickle.size_bytes, pickle_protocols[i].size_bytes);
        const rncl_pickle_value *root = pickle.value, *list = rncl_pickle_find(root, "numbers"),
                                *pair = rncl_pickle_find(root, "pair"),
                                *nested = rncl_pickle_find(root, "nested");
        assert_int_equal(rncl_pickle_find(root, "none")->kind, RNCL_PICKLE_NONE);
        assert_int_equal(list->items.count, COUNT(numbers));
        for (size_t k = 0; k < COUNT(numbers); k++)
            expect_integer(rncl_pickle_element(list, k), RNCL_PICKLE_INT, numbers[k]);
        assert_true(rncl_pickle_find(root, "real")->real == 0.5);
        assert_int_equal(pair->kind, RNCL_PICKLE_TUPLE);
        expect_integer(rncl_pickle_element(pair, 0), RNCL_PICKLE_BOOL, 1);
        expect_text(rncl_pickle_element(pair, 1), "x\xe9");
        assert_null(rncl_pickle_element(pair, 2));
        assert_ptr_equal(rncl_pickle_find(root, "again"), pair);
        expect_text(rncl_pickle_find(root, "text"), "\xc3\xa9");
        static const rncl_pickle_kind kinds[] = {RNCL_PICKLE_LIST, RNCL_PICKLE_TUPLE, RNCL_PICKLE_DICT,
                                                 RNCL_PICKLE_TUPLE};
        for (size_t k = 0; k < COUNT(kinds); k++)
            assert_int_equal(rncl_pickle_element(nested, k)->kind, kinds[k]);
        expect_integer(rncl_pickle_element(rncl_pickle_element(rncl_pickle_element(nested, 3), 0), 3),
                       RNCL_PICKLE_INT, 4);
        expect_integer(rncl_pickle_find(rncl_pickle_find(root, "ordered"), "a"), RNCL_PICKLE_INT, 2);
        assert_null(rncl_pickle_find(root, "no such key"));
        rncl_pickle_free(&pickle);
    }
}

static void calls_are_recorded_with_their_state(void **state)
{
    (void)state;
    rncl_pickle pickle;
    if (READ("\x80\x02"
             "chouse\nbuild\nK\1K\2\x86R}U\4roofK\3sb.",
             &pickle))
        fail_msg("%s", rncl_status_message());
    assert_int_equal(pickle.value->kind, RNCL_PICKLE_OBJECT);
    assert_int_equal(pickle.value->object.function->meaning, CALLABLE);
    expect_integer(rncl_pickle_element(pickle.value->object.arguments, 1), RNCL_PICKLE_INT, 2);
    expect_integer(rncl_pickle_find(pickle.value->object.state, "roof"), RNCL_PICKLE_INT, 3);
    rncl_pickle_free(&pickle);
}

/* Python 2 passed OrderedDict its pairs. */
static void a_dict_of_pairs_has_its_last_value_of_a_key(void **state)
{
    (void)state;
    rncl_pickle pickle;
    if (READ("\x80\x02"
             "ccollections\nOrderedDict\n](](U\1aK\1e](U\1aK\2ee\x85R.",
             &pickle))
        fail_msg("%s", rncl_status_message());
    assert_int_equal(pickle.value->items.count, 2);
    expect_integer(rncl_pickle_find(pickle.value, "a"), RNCL_PICKLE_INT, 2);
    rncl_pickle_free(&pickle);
}

static void a_pickle_ends_where_the_next_begins(void **state)
{
    (void)state;
    rncl_pickle pickle;
    assert_int_equal(READ("\x80\x02K\5.\x80\x02K\6.", &pickle), RNCL_OK);
    assert_int_equal(pickle.size_bytes, 5);
    expect_integer(pickle.value, RNCL_PICKLE_INT, 5);
    rncl_pickle_free(&pickle);
}

static void a_list_can_hold_itself(void **state)
{
    (void)state;
    rncl_pickle pickle;
    assert_int_equal(READ("]q\0h\0a.", &pickle), RNCL_OK);
    assert_ptr_equal(rncl_pickle_element(pickle.value, 0), pickle.value);
    rncl_pickle_free(&pickle);
}

static rncl_status count_ids(void *context, const rncl_pickle_value *id)
{
    int *met = context;
    expect_integer(id, RNCL_PICKLE_INT, ++*met);
    return *met < 3 ? RNCL_OK : RNCL_FAIL(RNCL_ERR_DATA, "the third");
}

static void persistent_ids_are_told_in_turn_until_one_is_refused(void **state)
{
    (void)state;
    int met = 0;
    rncl_pickle_rules telling = rules;
    telling.persistent_id = count_ids;
    telling.context = &met;
    static const char two[] = "K\1QK\2Q\x86.", three[] = "K\1QK\2QK\3Q\x87.";
    rncl_pickle pickle;
    assert_int_equal(rncl_pickle_read("it", (rncl_contents){(const unsigned char *)two, sizeof two - 1},
                                      &telling, &pickle),
                     RNCL_OK);
    assert_int_equal(rncl_pickle_element(pickle.value, 1)->kind, RNCL_PICKLE_PERSISTENT);
    expect_integer(rncl_pickle_element(pickle.value, 1)->persistent_id, RNCL_PICKLE_INT, 2);
    rncl_pickle_free(&pickle);
    met = 0;
    assert_int_equal(rncl_pickle_read("it", (rncl_contents){(const unsigned char *)three, sizeof three - 1},
                                      &telling, &pickle),
                     RNCL_ERR_DATA);
    assert_string_equal(rncl_status_message(), "the third");
    assert_null(pickle.value);
}

/* ---- refusals ---- */

static void expect_refused(const void *bytes, size_t size, const char *message)
{
    rncl_pickle pickle;
    assert_int_equal(read_bytes(bytes, size, &pickle), RNCL_ERR_DATA);
    assert_null(pickle.value);
    assert_null(pickle.chunks);
    if (!strstr(rncl_status_message(), message) || strncmp(rncl_status_message(), "it: ", 4) != 0)
        fail_msg("expected \"%s\" in: %s", message, rncl_status_message());
}

typedef struct program {
    const char *bytes;
    size_t size;
    const char *message;
} program;

#define PROGRAM(literal, message)                                                                            \
    {                                                                                                        \
        literal, sizeof(literal) - 1, message                                                                \
    }

static void expect_all_refused(const program *programs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_refused(programs[i].bytes, programs[i].size, programs[i].message);
}

static void what_the_rules_do_not_allow_is_refused_by_name(void **state)
{
    (void)state;
    static const program programs[] = {
        PROGRAM("\x80\x02"
                "cos\nsystem\nU\4true\x85R.",
                "holds a os.system"),
        PROGRAM("\x80\x02"
                "c__builtin__\neval\nU\1"
                "1\x85R.",
                "__builtin__.eval"),
        PROGRAM("\x80\x04\x8c\x08"
                "builtins\x8c\4exec\x93.",
                "builtins.exec, which is not plain data, and rncl executes nothing; save it"),
        PROGRAM("chouse\nbuil\n.", "house.buil,"),
        PROGRAM("chouse\nbuilder\n.", "house.builder"),
        PROGRAM("c\x1b[2J\nx\n.", "holds a ?.x"),
        PROGRAM("(S'true'\nios\nsystem\n.", "0x53 at byte 1"),
        PROGRAM("(ios\nsystem\n.", "0x69"),
        PROGRAM("cmine\nNet\n)\x81.", "mine.Net"),
        PROGRAM("\x82\1.", "0x82"),
        PROGRAM("\xff", "0xff"),
        PROGRAM("K\1Q.", "a name of something outside it"),
    };
    expect_all_refused(programs, COUNT(programs));
    expect_refused(pickle_protocol_0, sizeof pickle_protocol_0, "pickle protocols 2 to 5");
    expect_refused(pickle_protocol_1, sizeof pickle_protocol_1, "pickle protocols 2 to 5");
}

/* For readers that only want some of what was pickled. */
static void foreign_objects_are_kept_as_names_where_the_rules_say_so(void **state)
{
    (void)state;
    static const char bytes[] = "\x80\x02}(U\1acmine\nNet\n)}\x92(K\1eK\2a}U\1xNsb"
                                "U\1b\x8f(K\1K\2\x90U\1ccos\nsystem\nU\4true\x85Ru.";
    rncl_pickle_rules keeping = rules;
    keeping.keeps_foreign = true;
    rncl_pickle pickle;
    assert_int_equal(
        rncl_pickle_read("it", (rncl_contents){(const void *)bytes, sizeof bytes - 1}, &keeping, &pickle),
        RNCL_OK);
    const rncl_pickle_value *object = rncl_pickle_find(pickle.value, "a"),
                            *made = rncl_pickle_find(pickle.value, "c");
    assert_int_equal(object->kind, RNCL_PICKLE_FOREIGN);
    assert_memory_equal(object->foreign.name.characters, "Net", 3);
    assert_int_equal(rncl_pickle_find(pickle.value, "b")->items.count, 2);
    assert_int_equal(made->kind, RNCL_PICKLE_FOREIGN);
    assert_int_equal(rncl_pickle_refuse_foreign("it", &keeping, made), RNCL_ERR_DATA);
    assert_non_null(strstr(rncl_status_message(), "os.system"));
    rncl_pickle_free(&pickle);
    assert_int_equal(READ("cmine\nNet\n)\x81.", &pickle), RNCL_ERR_DATA);
}

static void damaged_programs_are_refused(void **state)
{
    (void)state;
    static const program programs[] = {
        PROGRAM("", "missing"),
        PROGRAM(".", "nothing on the stack at byte 1; fetch it"),
        PROGRAM("(.", "nothing on the stack"),
        PROGRAM("NN.", "values left over"),
        PROGRAM("R.", "nothing on the stack"),
        PROGRAM("N)R.", "a call of what is no function"),
        PROGRAM("chouse\nbuild\nNR.", "a call of what is no function"),
        PROGRAM("chouse\nbrick\n)R.", "a call of what is no function"),
        PROGRAM("N}b.", "attributes of what is no object"),
        PROGRAM("]]b.", "attributes of what is no object"),
        PROGRAM("t.", "no mark"),
        PROGRAM("K\1e.", "no mark"),
        PROGRAM("\x87.", "nothing on the stack"),
        PROGRAM("(\x85.", "nothing on the stack"),
        PROGRAM("K\1(\x86.", "nothing on the stack"),
        PROGRAM("a.", "nothing on the stack"),
        PROGRAM("](a.", "nothing on the stack"),
        PROGRAM("}(K\1u.", "a key without a value"),
        PROGRAM("](NNu.", "elements without a container"),
        PROGRAM("(NNu.", "elements without a container"),
        PROGRAM("K\1a.", "elements without a container"),
        PROGRAM("K\1K\2a.", "elements without a container"),
        PROGRAM("NNs.", "elements without a container"),
        PROGRAM("h\5.", "never set"),
        PROGRAM("Nq\2h\1.", "never set"),
        PROGRAM("X\xff\xff\xff\xffx.", "truncated"),
        PROGRAM("\x8d\xff\xff\xff\xff\xff\xff\xff\xff.", "truncated"),
        PROGRAM("\x8a\xff.", "truncated"),
        PROGRAM("cno end of the line", "a line without an end"),
        PROGRAM("NN\x93.", "a name that is no text"),
        PROGRAM("ccollections\nOrderedDict\n]Na\x85R.", "else than pairs"),
        PROGRAM("ccollections\nOrderedDict\nN\x85R.", "else than pairs"),
        PROGRAM("c_codecs\nencode\nU\2\xc4\x80U\6latin1\x86R.", "not of latin1 text"),
        PROGRAM("c_codecs\nencode\nU\1\xc3U\6latin1\x86R.", "not of latin1 text"),
        PROGRAM("c_codecs\nencode\nU\1aU\4rot1\x86R.", "not of latin1 text"),
        PROGRAM("c_codecs\nencode\n)R.", "not of latin1 text"),
    };
    expect_all_refused(programs, COUNT(programs));
}

/* `head`, then `body` as often as it fits into `size`. */
static void expect_repeated_refused(size_t size, const program *head, const program *body,
                                    const char *message)
{
    char *bytes = malloc(size);
    assert_non_null(bytes);
    memset(bytes, '.', size);
    memcpy(bytes, head->bytes, head->size);
    for (size_t at = head->size; at + body->size <= size; at += body->size)
        memcpy(bytes + at, body->bytes, body->size);
    expect_refused(bytes, size, message);
    free(bytes);
}

static void memory_is_proportional_to_the_bytes_read(void **state)
{
    (void)state;
    static const program nothing = PROGRAM("", ""), none = PROGRAM("N", ""), mark = PROGRAM("(", "");
    expect_repeated_refused(1200000, &nothing, &none, "more values than any file of its kind");
    expect_repeated_refused(5000, &nothing, &mark, "nesting deeper");
    expect_refused("Nr\xff\xff\xff\xff.", 7, "more memo entries");
    expect_refused("Nr\x00\x10\0\0.", 7, "more memo entries");
    /* One text decoded, and one list of pairs copied, again and again. */
    static const program text = PROGRAM("c_codecs\nencode\nq\0U\x80"
                                        "0123456789012345678901234567890123456789012345678901234567890123"
                                        "0123456789012345678901234567890123456789012345678901234567890123"
                                        "U\6latin1\x86q\1",
                                        ""),
                         call = PROGRAM("h\0h\1R", ""),
                         pairs = PROGRAM("ccollections\nOrderedDict\nq\0](](NNe](NNe](NNe](NNe](NNe](NNe](NNe"
                                         "](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe"
                                         "](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe](NNe"
                                         "e\x85q\1",
                                         "");
    expect_repeated_refused(2000, &text, &call, "more bytes than its text");
    expect_repeated_refused(2000, &pairs, &call, "more values than its bytes");
}

/* A copy of its own size, so that a sanitizer sees what is read beyond it. */
static unsigned char *copy_of(const unsigned char *bytes, size_t size)
{
    unsigned char *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void a_pickle_cut_anywhere_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pickle_protocols); i++)
        for (size_t cut = 0; cut < pickle_protocols[i].size_bytes; cut++) {
            unsigned char *copy = copy_of(pickle_protocols[i].bytes, cut);
            expect_refused(copy, cut, "");
            free(copy);
        }
}

static void random_damage_never_does_harm(void **state)
{
    (void)state;
    enum { ROUNDS = 5000, CHANGES = 3 };
    rncl_random random = rncl_random_stream(1, RNCL_RANDOM_TEST, 0, 0);
    for (size_t i = 0; i < ROUNDS; i++) {
        const size_t which = i % COUNT(pickle_protocols), size = pickle_protocols[which].size_bytes;
        unsigned char *copy = copy_of(pickle_protocols[which].bytes, size);
        for (int j = 0; j < CHANGES; j++)
            copy[rncl_random_below(&random, (uint32_t)size)] = (unsigned char)rncl_random_below(&random, 256);
        rncl_pickle pickle;
        const rncl_status st = read_bytes(copy, size, &pickle);
        assert_true(st == RNCL_ERR_DATA ? !pickle.value : st == RNCL_OK && pickle.value);
        rncl_pickle_free(&pickle);
        free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_protocol_gives_the_same_values),
        cmocka_unit_test(calls_are_recorded_with_their_state),
        cmocka_unit_test(a_dict_of_pairs_has_its_last_value_of_a_key),
        cmocka_unit_test(a_pickle_ends_where_the_next_begins),
        cmocka_unit_test(a_list_can_hold_itself),
        cmocka_unit_test(persistent_ids_are_told_in_turn_until_one_is_refused),
        cmocka_unit_test(what_the_rules_do_not_allow_is_refused_by_name),
        cmocka_unit_test(foreign_objects_are_kept_as_names_where_the_rules_say_so),
        cmocka_unit_test(damaged_programs_are_refused),
        cmocka_unit_test(memory_is_proportional_to_the_bytes_read),
        cmocka_unit_test(a_pickle_cut_anywhere_is_refused),
        cmocka_unit_test(random_damage_never_does_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
