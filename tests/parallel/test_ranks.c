/* Collective operations on ranks that are threads of this process, with delays at random. */
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "random.h"
#include "ranks.h"
#include "util.h"

enum { MOST_RANKS = 11, MOST_FLOATS = 1000 };

/* What one rank has for another until that one has taken it. */
static struct {
    const void *data;
    size_t bytes;
    bool full;
} boxes[MOST_RANKS][MOST_RANKS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

struct member {
    rncl_ranks ranks;
    rncl_random random; /* of its delays */
    pthread_t thread;
    float values[MOST_FLOATS], errors[MOST_FLOATS];
    double totals[MOST_FLOATS]; /* of what has been summed in several rounds */
    size_t sent_bytes;
    int gathered[MOST_RANKS];
    char text[64];
    rncl_status agreed;
    char message[64];
};

static void take(int to, const rncl_message *m)
{
    while (!boxes[m->from][to].full)
        pthread_cond_wait(&changed, &lock);
    if (boxes[m->from][to].bytes == m->in_bytes)
        memcpy(m->in, boxes[m->from][to].data, m->in_bytes);
    boxes[m->from][to].full = false;
    pthread_cond_broadcast(&changed);
}

static rncl_status exchange(rncl_ranks *ranks, const rncl_message *messages, size_t count)
{
    struct member *sender = ranks->carrier;
    usleep(rncl_random_below(&sender->random, 300));
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++) {
        const rncl_message *m = &messages[i];
        sender->sent_bytes += m->out_bytes;
        if (m->out_bytes) {
            boxes[ranks->index][m->to].data = m->out;
            boxes[ranks->index][m->to].bytes = m->out_bytes;
            boxes[ranks->index][m->to].full = true;
        }
    }
    pthread_cond_broadcast(&changed);
    for (size_t i = 0; i < count; i++)
        if (messages[i].in_bytes)
            take(ranks->index, &messages[i]);
    for (size_t i = 0; i < count; i++)
        while (messages[i].out_bytes && boxes[ranks->index][messages[i].to].full)
            pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return RNCL_OK;
}

/* Runs `body` on so many ranks. */
static struct member *run(int count, uint64_t seed, void *(*body)(void *))
{
    static struct member members[MOST_RANKS];
    for (int i = 0; i < count; i++) {
        members[i] = (struct member){.ranks = {.index = i, .count = count, .exchange = exchange},
                                     .random = rncl_random_stream(seed, RNCL_RANDOM_TEST, (uint32_t)i, 0)};
        members[i].ranks.carrier = &members[i];
        assert_int_equal(pthread_create(&members[i].thread, NULL, body, &members[i]), 0);
    }
    for (int i = 0; i < count; i++) {
        pthread_join(members[i].thread, NULL);
        rncl_ranks_fini(&members[i].ranks);
    }
    return members;
}

static float value_of(int rank, size_t i)
{
    rncl_random random = rncl_random_stream(99, RNCL_RANDOM_TEST, (uint32_t)rank, (uint32_t)i);
    return rncl_random_uniform(&random) - 0.5f;
}

/* Of vectors of several lengths, with fewer floats than ranks too. */
static const size_t lengths[] = {1, 15, 16, 100, MOST_FLOATS};
static size_t length;

static void *sum(void *argument)
{
    struct member *m = argument;
    for (size_t i = 0; i < length; i++)
        m->values[i] = value_of(m->ranks.index, i);
    m->agreed = rncl_ranks_sum(&m->ranks, m->values, length);
    return NULL;
}

static void sums_are_added_in_the_order_of_the_ranks_whatever_the_timing(void **state)
{
    (void)state;
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (int count = 1; count <= MOST_RANKS; count++) {
            length = lengths[l];
            const struct member *members = run(count, (uint64_t)count, sum);
            for (size_t i = 0; i < length; i++) {
                float expected = value_of(0, i);
                for (int rank = 1; rank < count; rank++)
                    expected += value_of(rank, i);
                for (int rank = 0; rank < count; rank++)
                    assert_true(members[rank].values[i] == expected);
            }
        }
}

static void *sum_in_pieces(void *argument)
{
    enum { PIECE = 37 };
    struct member *m = argument;
    for (size_t i = 0; i < length; i++)
        m->values[i] = value_of(m->ranks.index, i);
    for (size_t i = 0; i < length && !m->agreed; i += PIECE)
        m->agreed = rncl_ranks_sum(&m->ranks, m->values + i, MIN(PIECE, length - i));
    return NULL;
}

static void a_sum_in_pieces_has_the_bits_of_the_whole(void **state)
{
    (void)state;
    static float whole[MOST_FLOATS];
    length = MOST_FLOATS;
    for (int count = 2; count <= MOST_RANKS; count++) {
        memcpy(whole, run(count, 3, sum)[0].values, sizeof whole);
        const struct member *members = run(count, 4, sum_in_pieces);
        for (int rank = 0; rank < count; rank++)
            assert_memory_equal(members[rank].values, whole, sizeof whole);
    }
}

enum { ROUNDS = 40 };

/* The same values again and again. */
static void *sum_rounded(void *argument)
{
    struct member *m = argument;
    for (int round = 0; round < ROUNDS && !m->agreed; round++) {
        for (size_t i = 0; i < length; i++)
            m->values[i] = value_of(m->ranks.index, i);
        m->agreed = rncl_ranks_sum_rounded(&m->ranks, m->values, m->errors, length);
        for (size_t i = 0; i < length; i++)
            m->totals[i] += (double)m->values[i];
    }
    return NULL;
}

/* What has been rounded off is missing from the total of all rounds once, not once a round. */
static void rounded_sums_are_the_same_on_all_ranks_and_lose_nothing_for_good(void **state)
{
    (void)state;
    for (size_t l = 0; l < COUNT(lengths); l++)
        for (int count = 2; count <= MOST_RANKS; count++) {
            length = lengths[l];
            const struct member *members = run(count, (uint64_t)count, sum_rounded);
            for (size_t i = 0; i < length; i++) {
                double expected = 0;
                for (int rank = 0; rank < count; rank++) {
                    expected += ROUNDS * (double)value_of(rank, i) - (double)members[rank].errors[i];
                    assert_true(members[rank].values[i] == members[0].values[i]);
                    assert_true(fabs((double)members[rank].errors[i]) <= 1.0 / 64);
                }
                assert_true(fabs(members[0].totals[i] - expected) < 1e-4);
            }
        }
}

static void rounded_values_are_half_as_many_bytes(void **state)
{
    (void)state;
    length = MOST_FLOATS;
    for (int count = 2; count <= MOST_RANKS; count++) {
        const size_t once = run(count, 5, sum)[0].sent_bytes;
        assert_int_equal(run(count, 6, sum_rounded)[0].sent_bytes, ROUNDS * once / 2);
    }
}

static void *bring_and_deal(void *argument)
{
    struct member *m = argument;
    m->gathered[0] = 100 + m->ranks.index;
    m->agreed = rncl_ranks_bring(&m->ranks, m->gathered, sizeof *m->gathered);
    for (int i = 0; i < m->ranks.count && m->ranks.index == 0; i++)
        m->gathered[i] *= 2;
    if (!m->agreed)
        m->agreed = rncl_ranks_deal(&m->ranks, m->gathered, sizeof *m->gathered);
    return NULL;
}

static void rank_0_gets_what_each_has_and_gives_it_back(void **state)
{
    (void)state;
    for (int count = 1; count <= MOST_RANKS; count++) {
        const struct member *members = run(count, 10, bring_and_deal);
        for (int i = 0; i < count; i++) {
            assert_int_equal(members[0].gathered[i], 2 * (100 + i));
            assert_int_equal(members[i].gathered[0], 2 * (100 + i));
        }
    }
}

static void *gather(void *argument)
{
    struct member *m = argument;
    const int mine = 100 + m->ranks.index;
    const void *all;
    m->agreed = rncl_ranks_gather(&m->ranks, &mine, sizeof mine, &all);
    memcpy(m->gathered, all, (size_t)m->ranks.count * sizeof mine);
    return NULL;
}

static void every_rank_gathers_what_each_has(void **state)
{
    (void)state;
    for (int count = 1; count <= MOST_RANKS; count++) {
        const struct member *members = run(count, 7, gather);
        for (int rank = 0; rank < count; rank++)
            for (int i = 0; i < count; i++)
                assert_int_equal(members[rank].gathered[i], 100 + i);
    }
}

static void *cast(void *argument)
{
    struct member *m = argument;
    snprintf(m->text, sizeof m->text, "said by %d", m->ranks.index);
    m->agreed = rncl_ranks_cast(&m->ranks, m->text, sizeof m->text);
    return NULL;
}

static void what_rank_0_says_reaches_all(void **state)
{
    (void)state;
    for (int count = 1; count <= MOST_RANKS; count++) {
        const struct member *members = run(count, 8, cast);
        for (int rank = 0; rank < count; rank++)
            assert_string_equal(members[rank].text, "said by 0");
    }
}

static int failing; /* the first rank that fails; those behind it fail too */

static void *agree(void *argument)
{
    struct member *m = argument;
    const int index = m->ranks.index;
    const rncl_status own = index < failing
                                ? RNCL_OK
                                : RNCL_FAIL(index ? RNCL_ERR_IO : RNCL_ERR_DIVERGED, "%d has failed", index);
    m->agreed = rncl_ranks_agree(&m->ranks, own);
    snprintf(m->message, sizeof m->message, "%s", rncl_status_message());
    return NULL;
}

static void the_failure_of_the_lowest_rank_is_everybodys_with_its_message(void **state)
{
    (void)state;
    static const struct {
        rncl_status status;
        const char *message;
    } expected[] = {{RNCL_ERR_DIVERGED, "0 has failed"}, {RNCL_ERR_IO, "rank 1: 1 has failed"}};
    for (failing = 0; failing < 2; failing++) {
        const struct member *members = run(3, 9, agree);
        for (int rank = 0; rank < 3; rank++) {
            assert_int_equal(members[rank].agreed, expected[failing].status);
            assert_string_equal(members[rank].message, expected[failing].message);
            assert_true(members[rank].ranks.agreed);
        }
    }
    failing = 3;
    const struct member *members = run(3, 9, agree);
    for (int rank = 0; rank < 3; rank++)
        assert_true(members[rank].agreed == RNCL_OK && !members[rank].ranks.agreed);
}

static void shares_follow_each_other_and_differ_by_one_at_most(void **state)
{
    (void)state;
    for (int count = 1; count <= MOST_RANKS; count++)
        for (int whole = count; whole < 40; whole++) {
            int end = 0;
            for (int i = 0; i < count; i++) {
                const rncl_ranks ranks = {.index = i, .count = count};
                const rncl_share share = rncl_ranks_share(&ranks, whole);
                assert_int_equal(share.first, end);
                assert_in_range(share.count, whole / count, rncl_ceil_div(whole, count));
                end += share.count;
            }
            assert_int_equal(end, whole);
        }
}

static void a_process_alone_needs_no_ranks(void **state)
{
    (void)state;
    float values[] = {1, 2};
    int mine = 5;
    const void *all;
    assert_int_equal(rncl_ranks_sum(NULL, values, COUNT(values)), RNCL_OK);
    assert_int_equal(rncl_ranks_cast(NULL, &mine, sizeof mine), RNCL_OK);
    assert_int_equal(rncl_ranks_gather(NULL, &mine, sizeof mine, &all), RNCL_OK);
    assert_true(values[1] == 2 && mine == 5 && all == &mine);
    assert_int_equal(rncl_ranks_agree(NULL, RNCL_ERR_IO), RNCL_ERR_IO);
    assert_int_equal(rncl_ranks_share(NULL, 9).count, 9);
    assert_true(rncl_ranks_first(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_added_in_the_order_of_the_ranks_whatever_the_timing),
        cmocka_unit_test(a_sum_in_pieces_has_the_bits_of_the_whole),
        cmocka_unit_test(rounded_sums_are_the_same_on_all_ranks_and_lose_nothing_for_good),
        cmocka_unit_test(rounded_values_are_half_as_many_bytes),
        cmocka_unit_test(rank_0_gets_what_each_has_and_gives_it_back),
        cmocka_unit_test(every_rank_gathers_what_each_has),
        cmocka_unit_test(what_rank_0_says_reaches_all),
        cmocka_unit_test(the_failure_of_the_lowest_rank_is_everybodys_with_its_message),
        cmocka_unit_test(shares_follow_each_other_and_differ_by_one_at_most),
        cmocka_unit_test(a_process_alone_needs_no_ranks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
