/* What a pickle names and calls: compared with the rules, and never run. */
#include <string.h>

#include "pickle_machine.h"
#include "util.h"

/* ---- names ---- */

static bool is(rncl_pickle_text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.characters, word, text.length) == 0;
}

static void describe_foreign(const char *path, const rncl_pickle_rules *rules,
                             const rncl_pickle_value *foreign)
{
    char module[RNCL_PICKLE_SHOWN_BYTES], name[RNCL_PICKLE_SHOWN_BYTES];
    rncl_status_fail("%s: its pickle holds a %s.%s, which is not plain data, and rncl executes nothing; %s",
                     path, rncl_pickle_show(foreign->foreign.module, module),
                     rncl_pickle_show(foreign->foreign.name, name), rules->foreign_advice);
}

rncl_status rncl_pickle_refuse_foreign(const char *path, const rncl_pickle_rules *rules,
                                       const rncl_pickle_value *foreign)
{
    describe_foreign(path, rules, foreign);
    return rules->failure;
}

static rncl_status push_global(rncl_pickle_machine *m, rncl_pickle_text module, rncl_pickle_text name)
{
    const rncl_pickle_rules *rules = m->rules;
    for (size_t i = 0; i < rules->global_count; i++)
        if (is(module, rules->globals[i].module) && is(name, rules->globals[i].name))
            return rncl_pickle_push_new(
                m, (rncl_pickle_value){.kind = RNCL_PICKLE_GLOBAL, .global = &rules->globals[i]});
    const rncl_pickle_value foreign = {.kind = RNCL_PICKLE_FOREIGN, .foreign = {module, name}};
    if (rules->keeps_foreign)
        return rncl_pickle_push_new(m, foreign);
    describe_foreign(m->path, rules, &foreign);
    return RNCL_ERR_DATA;
}

rncl_status rncl_pickle_global_of_lines(rncl_pickle_machine *m, size_t unused)
{
    (void)unused;
    rncl_pickle_text module, name;
    RNCL_TRY(rncl_pickle_take_line(m, &module));
    RNCL_TRY(rncl_pickle_take_line(m, &name));
    return push_global(m, module, name);
}

rncl_status rncl_pickle_global_of_stack(rncl_pickle_machine *m, size_t unused)
{
    (void)unused;
    rncl_pickle_value *name, *module;
    RNCL_TRY(rncl_pickle_pop(m, &name));
    RNCL_TRY(rncl_pickle_pop(m, &module));
    if (name->kind != RNCL_PICKLE_TEXT || module->kind != RNCL_PICKLE_TEXT)
        return rncl_pickle_refuse(m, "a name that is no text");
    return push_global(m, module->text, name->text);
}

/* ---- calls ---- */

static rncl_status make_object(rncl_pickle_machine *m, const rncl_pickle_global *function,
                               const rncl_pickle_value *arguments)
{
    return rncl_pickle_push_new(
        m, (rncl_pickle_value){.kind = RNCL_PICKLE_OBJECT, .object = {function, arguments, NULL}});
}

/* Code points up to 255 in UTF-8 become a byte each. False: there are others. */
static bool decode_latin1(rncl_pickle_text text, char *to, size_t *length)
{
    *length = 0;
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.characters[i];
        if (byte >= 0x80) {
            if ((byte != 0xc2 && byte != 0xc3) || i + 1 == text.length)
                return false;
            byte = (unsigned char)(byte << 6 | (text.characters[++i] & 0x3f));
        }
        to[(*length)++] = (char)byte;
    }
    return true;
}

static rncl_status make_bytes(rncl_pickle_machine *m, const rncl_pickle_global *function,
                              const rncl_pickle_value *arguments)
{
    (void)function;
    const rncl_pickle_value *text = rncl_pickle_element(arguments, 0);
    if (!text || text->kind != RNCL_PICKLE_TEXT ||
        !rncl_pickle_is_text(rncl_pickle_element(arguments, 1), "latin1"))
        return rncl_pickle_refuse(m, "bytes that are not of latin1 text");
    char *decoded;
    size_t length;
    RNCL_TRY(rncl_pickle_allocate(m, text->text.length, &decoded));
    if (!decode_latin1(text->text, decoded, &length))
        return rncl_pickle_refuse(m, "bytes that are not of latin1 text");
    return rncl_pickle_push_new(m, (rncl_pickle_value){.kind = RNCL_PICKLE_TEXT, .text = {decoded, length}});
}

/* Python 2 passes the pairs as a list; Python 3 passes nothing and sets the items afterwards. */
static rncl_status make_dict(rncl_pickle_machine *m, const rncl_pickle_global *function,
                             const rncl_pickle_value *arguments)
{
    (void)function;
    rncl_pickle_value *dict;
    const rncl_pickle_value *pairs = rncl_pickle_element(arguments, 0);
    if (pairs && pairs->kind != RNCL_PICKLE_LIST)
        return rncl_pickle_refuse(m, "an OrderedDict of something else than pairs");
    RNCL_TRY(rncl_pickle_make(m, (rncl_pickle_value){.kind = RNCL_PICKLE_DICT}, &dict));
    for (const rncl_pickle_item *item = pairs ? pairs->items.first : NULL; item; item = item->next) {
        const rncl_pickle_value *key = rncl_pickle_element(item->value, 0);
        const rncl_pickle_value *value = rncl_pickle_element(item->value, 1);
        if (!key || !value)
            return rncl_pickle_refuse(m, "an OrderedDict of something else than pairs");
        RNCL_TRY(rncl_pickle_append(m, dict, key, value));
    }
    return rncl_pickle_push(m, dict);
}

typedef rncl_status maker(rncl_pickle_machine *m, const rncl_pickle_global *function,
                          const rncl_pickle_value *arguments);

static maker *const makers[] = {
    [RNCL_PICKLE_NOT_CALLABLE] = NULL,
    [RNCL_PICKLE_MAKE_OBJECT] = make_object,
    [RNCL_PICKLE_MAKE_BYTES] = make_bytes,
    [RNCL_PICKLE_MAKE_DICT] = make_dict,
};

/* What something foreign makes is foreign too. */
rncl_status rncl_pickle_call(rncl_pickle_machine *m, size_t unused)
{
    (void)unused;
    rncl_pickle_value *arguments, *function;
    RNCL_TRY(rncl_pickle_pop(m, &arguments));
    RNCL_TRY(rncl_pickle_pop(m, &function));
    if (function->kind == RNCL_PICKLE_FOREIGN && arguments->kind == RNCL_PICKLE_TUPLE)
        return rncl_pickle_push_new(m, *function);
    maker *make = function->kind == RNCL_PICKLE_GLOBAL ? makers[function->global->product] : NULL;
    if (!make || arguments->kind != RNCL_PICKLE_TUPLE)
        return rncl_pickle_refuse(m, "a call of what is no function");
    return make(m, function->global, arguments);
}

rncl_status rncl_pickle_call_with_names(rncl_pickle_machine *m, size_t unused)
{
    rncl_pickle_value *names;
    RNCL_TRY(rncl_pickle_pop(m, &names));
    return rncl_pickle_call(m, unused);
}

/* A dict has its attributes here (a state dict the versions of its layers), which are no items. */
rncl_status rncl_pickle_set_state(rncl_pickle_machine *m, size_t unused)
{
    (void)unused;
    rncl_pickle_value *state, *object;
    RNCL_TRY(rncl_pickle_pop(m, &state));
    RNCL_TRY(rncl_pickle_top(m, &object));
    if (object->kind == RNCL_PICKLE_OBJECT)
        object->object.state = state;
    else if (object->kind != RNCL_PICKLE_DICT && object->kind != RNCL_PICKLE_FOREIGN)
        return rncl_pickle_refuse(m, "attributes of what is no object");
    return RNCL_OK;
}
