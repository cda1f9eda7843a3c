/* A pickle under the rules of CIFAR's files and of PyTorch's: the promises of its outer values, and every
 * byte of its texts and arrays. */
#include "fuzz.h"
#include "numpy_array.h"
#include "pth.h"

static volatile unsigned char read_byte; /* so that reading bytes is not left out */

static void read_bytes(const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        read_byte = ((const unsigned char *)bytes)[i];
}

/* What one value promises; not the values inside it, which can hold it in turn. */
static void check_value(const rncl_pickle_value *value)
{
    const bool sequence = value->kind == RNCL_PICKLE_TUPLE || value->kind == RNCL_PICKLE_LIST;
    if (value->kind == RNCL_PICKLE_TEXT)
        read_bytes(value->text.characters, value->text.length);
    if (value->kind == RNCL_PICKLE_GLOBAL)
        FUZZ_CHECK(value->global->name);
    if (value->kind == RNCL_PICKLE_OBJECT)
        FUZZ_CHECK(value->object.function->product == RNCL_PICKLE_MAKE_OBJECT &&
                   value->object.arguments->kind == RNCL_PICKLE_TUPLE);
    if (!sequence && value->kind != RNCL_PICKLE_DICT)
        return;
    size_t count = 0;
    for (const rncl_pickle_item *item = value->items.first; item; item = item->next, count++)
        FUZZ_CHECK(item->value && !item->key == sequence);
    FUZZ_CHECK(count == value->items.count);
}

static void read_with(const rncl_pickle_rules *rules, const uint8_t *data, size_t size)
{
    rncl_pickle pickle;
    const rncl_status st = rncl_pickle_read("input", (rncl_contents){data, size}, rules, &pickle);
    if (st) {
        FUZZ_CHECK(st == rules->failure && !pickle.value && !pickle.chunks && !pickle.bytes);
        return;
    }
    FUZZ_CHECK(pickle.size_bytes <= size);
    check_value(pickle.value);
    const bool dict = pickle.value->kind == RNCL_PICKLE_DICT;
    for (const rncl_pickle_item *item = dict ? pickle.value->items.first : NULL; item; item = item->next) {
        rncl_contents elements;
        check_value(item->key);
        check_value(item->value);
        if (rules == &rncl_numpy_rules && !rncl_numpy_bytes("input", item->value, &elements))
            read_bytes(elements.data, elements.size_bytes);
    }
    rncl_pickle_free(&pickle);
}

static rncl_status accept_id(void *context, const rncl_pickle_value *id)
{
    (void)context;
    check_value(id);
    return RNCL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    rncl_pickle_rules torch = rncl_pth_rules;
    torch.persistent_id = accept_id;
    read_with(&rncl_numpy_rules, data, size);
    read_with(&torch, data, size);
    return 0;
}
