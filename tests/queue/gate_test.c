/* The gate against a real redis-server: lists by hand, by file and by prefix, limits across
 * campaigns, locks, calls taken back, and what nonsense in Redis does. */
#include "gate_kit.h"

#define ANNA "+12025550123"
#define BERT "+12025550124"

Test(gate, a_place_never_changes)
{
    struct gate_place at;
    char bytes[8];

    cr_assert_eq(gate_place_of(SLICE("+12025550123"), &at), OK);
    cr_expect_eq(at.number, 12025550123ull);
    cr_expect_eq(at.tag, 272, "%u", at.tag);
    cr_expect_eq(at.group, 17, "%u", at.group);
    gate_pack(999999999999999ull, 16383, bytes);
    cr_expect_arr_eq(bytes, "\xff\x7f\xc6\xa4\x7e\x8d\xff\xff", 8);
    for (const char *const *bad = (const char *const[]){"", "+", "12025550123", "+1202555012a",
                                                        "+1234567890123456", "+0123", NULL};
         *bad; bad++)
        cr_expect_eq(gate_place_of(slice_cstr(*bad), &at), ERR_INVALID, "%s", *bad);
}

Test(gate, who_is_on_no_list_passes, .init = setup, .fini = teardown)
{
    cr_expect_eq(plain(ANNA), GATE_PASS);
    add("*", BERT, 0);
    cr_expect_eq(plain(ANNA), GATE_PASS, "a neighbour's entry is nobody else's");
    cr_expect_eq(plain(BERT), GATE_DNC);
    cr_expect_str_eq(gate_said.list, "*");
    cr_expect_str_eq(gate_said.prefix, "");
}

Test(gate, lists_hold_for_whom_they_are, .init = setup, .fini = teardown)
{
    cr_expect(add("c:spring", ANNA, 0));
    cr_expect_not(add("c:spring", ANNA, 0), "it is there already");
    cr_expect_eq(plain(ANNA), GATE_DNC);
    cr_expect_str_eq(gate_said.list, "c:spring");
    cr_expect_eq(ask_gate(queue, ANNA, "autumn", NULL, T0, NULL, 0), GATE_PASS);
    cr_expect_eq(ask_gate(queue, ANNA, "", NULL, T0, NULL, 0), GATE_PASS);
    add("ch:mail", BERT, 0);
    cr_expect_eq(plain(BERT), GATE_PASS, "mail is no telephone");
    add("ch:phone", BERT, 0);
    cr_expect_eq(plain(BERT), GATE_DNC);
    cr_expect_str_eq(gate_said.list, "ch:phone");
    add("own", BERT, 0);
    cr_expect_eq(plain(BERT), GATE_OWN, "ours comes first");
    cr_expect(take_away("own", BERT));
    cr_expect(take_away("ch:phone", BERT));
    cr_expect_not(take_away("ch:phone", BERT));
    cr_expect_eq(plain(BERT), GATE_PASS);
}

Test(gate, entries_end_at_their_instant, .init = setup, .fini = teardown)
{
    uint64_t until = wall_ms() + DAY_MS;

    add("*", ANNA, until);
    cr_expect_eq(ask_gate(queue, ANNA, "", NULL, until - 1, NULL, 0), GATE_DNC);
    cr_expect_eq(ask_gate(queue, ANNA, "", NULL, until, NULL, 0), GATE_PASS);
    cr_expect_not(add("*", ANNA, until - 1), "a shorter one changes nothing");
    cr_expect(add("*", ANNA, until + 1), "a longer one does");
    cr_expect_eq(ask_gate(queue, ANNA, "", NULL, until, NULL, 0), GATE_DNC);
    cr_expect(add("*", ANNA, 0));
    cr_expect_eq(ask_gate(queue, ANNA, "", NULL, until * 2, NULL, 0), GATE_DNC);
    cr_expect_not(add("*", ANNA, until + 5));
    add("*", "386", until);
    cr_expect_eq(ask_gate(queue, "+38640555123", "", NULL, until - 1, NULL, 0), GATE_DNC);
    cr_expect_eq(ask_gate(queue, "+38640555123", "", NULL, until, NULL, 0), GATE_PASS);
}

Test(gate, prefixes_are_found_in_every_tag, .init = setup, .fini = teardown)
{
    char number[20];

    cr_expect(add("*", "1900", 0));
    cr_expect_not(add("*", "1900", 0));
    cr_expect(add("*", "190055", 0));
    cr_expect(add("own", "1202777", 0));
    for (uint32_t i = 0; i < 200; i++) {
        snprintf(number, sizeof(number), "+1900%07u", 1000000 + i * 10473);
        cr_assert_eq(plain(number), GATE_DNC, "%s", number);
        cr_expect_str_eq(gate_said.prefix, "1900");
        number[2] = '8';
        cr_assert_eq(plain(number), GATE_PASS, "%s", number);
    }
    cr_expect_eq(plain("+19005512345"), GATE_DNC);
    cr_expect_str_eq(gate_said.prefix, "190055", "the longest is told");
    cr_expect_eq(plain("+1900"), GATE_DNC, "a prefix holds itself");
    cr_expect_eq(plain("+12027771234"), GATE_OWN);
    cr_expect(take_away("*", "1900"));
    cr_expect_eq(plain("+19001234567"), GATE_PASS);
    cr_expect_eq(plain("+19005512345"), GATE_DNC);
}

Test(gate, imports_are_compact_and_tell_where_they_come_from, .init = setup, .fini = teardown)
{
    const struct slice lists[] = {SLICE("*"), SLICE("own")};
    uint32_t first = begin_import("*", 0), second = begin_import("*", 0);

    cr_expect_eq(first, 1);
    cr_expect_eq(second, 2);
    cr_expect_eq(fill("*", first, 0, ANNA), 1);
    cr_expect_eq(fill("*", second, 0, ANNA), 0);
    cr_expect_eq(dnc_same, 1);
    cr_expect_eq(fill("*", second, 0, BERT), 1);
    cr_expect_eq(plain(ANNA), GATE_DNC);
    look(ANNA, lists, 2);
    cr_assert_eq(said_n, 6, "%u", said_n);
    cr_expect_str_eq(said[3], "*");
    cr_expect_str_eq(said[4], "bulk");
    cr_expect_str_eq(said[5], "1", "it came by the first");
    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_about_import(queue, 2, on_texts, &got)), OK);
    cr_expect(strstr(said[0], "\x1f"
                              "0\x1f*\x1f"
                              "ana\x1f"
                              "asked by letter\x1f"
                              "file.csv"),
              "%s", said[0]);
    cr_expect_not(add("*", ANNA, 0), "by hand it would hold no longer");
    cr_expect(take_away("*", ANNA), "one number of an import can be lifted");
    cr_expect_eq(plain(ANNA), GATE_PASS);
    cr_expect_eq(fill("*", 0, 0, BERT), 1, "and a file of them taken away");
    cr_expect_eq(plain(BERT), GATE_PASS);
    uint64_t until = wall_ms() + DAY_MS;
    cr_expect_eq(fill("*", begin_import("*", until), until, ANNA), 1);
    cr_expect_eq(ask_gate(queue, ANNA, "", NULL, until - 1, NULL, 0), GATE_DNC);
    cr_expect_eq(ask_gate(queue, ANNA, "", NULL, until, NULL, 0), GATE_PASS);
    cr_expect_eq(fill("*", begin_import("*", 0), 0, ANNA), 1, "the next holds for good");
    cr_expect_eq(ask_gate(queue, ANNA, "", NULL, until, NULL, 0), GATE_DNC);
}

static bool neighbours(uint64_t a, uint64_t b)
{
    struct gate_place x = gate_place_at(a), y = gate_place_at(b);

    return x.tag == y.tag && x.group == y.group;
}

/* Two numbers of one group whose bytes differ only in the upper two bits, or are the same a byte
 * further on. */
Test(gate, numbers_that_look_alike_are_told_apart, .init = setup, .fini = teardown)
{
    uint64_t low = 12025550000, high = low + (1ull << 48), far = 2025550, near = far * 256;
    char text[4][24];

    while (!neighbours(low, high))
        low++, high++;
    while (!neighbours(far, near))
        if (++near == (far + 1) * 256)
            far++;
    snprintf(text[0], sizeof(text[0]), "+%lu", low);
    snprintf(text[1], sizeof(text[0]), "+%lu", high);
    snprintf(text[2], sizeof(text[0]), "+%lu", near);
    snprintf(text[3], sizeof(text[0]), "+%lu", far);
    fill("*", begin_import("*", 0), 0, text[0]);
    fill("*", 1, 0, text[2]);
    cr_expect_eq(plain(text[0]), GATE_DNC);
    cr_expect_eq(plain(text[1]), GATE_PASS, "%s is not %s", text[1], text[0]);
    cr_expect_eq(plain(text[2]), GATE_DNC);
    cr_expect_eq(plain(text[3]), GATE_PASS, "%s is not %s", text[3], text[2]);
}

/* The last place of a limit goes to one of two campaigns, and an answer that was lost costs none.
 */
Test(gate, limits_hold_across_campaigns, .init = setup, .fini = teardown)
{
    struct queue *other = open_queue("engine-2", 60000);
    const struct queue_gate_limit day = {T0 - DAY_MS, 2, 0};

    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-1", T0, &day, 1), GATE_PASS);
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-1", T0, &day, 1), GATE_PASS, "the same one");
    cr_expect_eq(ask_gate(other, ANNA, "autumn", NULL, T0, &day, 1), GATE_PASS, "a look");
    cr_expect_eq(ask_gate(other, ANNA, "autumn", "call-2", T0 + 5, &day, 1), GATE_PASS);
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-3", T0 + 9, &day, 1), GATE_LIMIT);
    cr_expect_eq(gate_said.limit, 0);
    cr_expect_eq(gate_said.until_wall_ms, T0 + DAY_MS + 10,
                 "when the first is older than the rest");
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-2", T0 + 9, &day, 1), GATE_PASS);
    cr_expect_eq(ask_gate(queue, BERT, "spring", "call-3", T0 + 9, &day, 1), GATE_PASS);

    const struct queue_gate_limit edge = {T0 + 5, 1, 0}, past = {T0 + 6, 1, 0};
    cr_expect_eq(ask_gate(queue, ANNA, "spring", NULL, T0 + 9, &edge, 1), GATE_LIMIT,
                 "a call at the very instant counts");
    cr_expect_eq(ask_gate(queue, ANNA, "spring", NULL, T0 + 9, &past, 1), GATE_PASS);

    uint64_t now = T0 + 2 * DAY_MS;
    const struct queue_gate_limit later[] = {{now - DAY_MS, 2, 0}, {now - 7 * DAY_MS, 3, 0}};
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-4", now, later, 2), GATE_PASS);
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-5", now, later, 2), GATE_LIMIT);
    cr_expect_eq(gate_said.limit, 1, "three in a week");
    cr_expect_eq(gate_said.until_wall_ms, T0 + 7 * DAY_MS + 1);
    const struct queue_gate_limit calendar = {now - 3 * DAY_MS, 3, now + 1234};
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-5", now, &calendar, 1), GATE_LIMIT);
    cr_expect_eq(gate_said.until_wall_ms, now + 1234, "a period that ends");
    queue_close(other);
}

Test(gate, a_call_taken_back_does_not_count, .init = setup, .fini = teardown)
{
    const struct queue_gate_limit day = {T0 - DAY_MS, 1, 0};

    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-1", T0, &day, 1), GATE_PASS);
    back(ANNA, "call-2");
    cr_expect_eq(ask_gate(queue, ANNA, "spring", NULL, T0, &day, 1), GATE_LIMIT, "another's");
    back(ANNA, "call-1");
    cr_expect_eq(ask_gate(queue, ANNA, "spring", NULL, T0, &day, 1), GATE_PASS);
    back(ANNA, "call-1");
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-3", T0, &day, 1), GATE_PASS);
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-4", T0, &day, 1), GATE_LIMIT);
}

Test(gate, calls_are_kept_for_35_days, .init = setup, .fini = teardown)
{
    const struct queue_gate_limit ever = {0, 2, 1};
    uint64_t late = T0 + GATE_KEEP_MS;

    ask_gate(queue, ANNA, "spring", "call-1", T0, NULL, 0);
    ask_gate(queue, ANNA, "spring", "call-2", T0 + 1000, NULL, 0);
    cr_expect_eq(ask_gate(queue, ANNA, "spring", "call-3", late, &ever, 1), GATE_LIMIT);
    ask_gate(queue, ANNA, "spring", "call-3", late + 1, NULL, 0);
    look(ANNA, NULL, 0);
    cr_expect_str_eq(said[0], "2", "the first is gone: %s", said[0]);
}

Test(gate, locks_end_by_themselves, .init = setup, .fini = teardown)
{
    uint64_t now = wall_ms(), until = now + 72 * 3600000ull;

    lock(ANNA, until, "abandoned call of spring");
    cr_expect_eq(ask_gate(queue, ANNA, "autumn", "call-1", until - 1, NULL, 0), GATE_LOCKED);
    cr_expect_eq(gate_said.until_wall_ms, until);
    cr_expect_str_eq(gate_said.why, "abandoned call of spring");
    cr_expect_eq(ask_gate(queue, BERT, "autumn", NULL, until - 1, NULL, 0), GATE_PASS);
    lock(ANNA, until - 5000, "a shorter one");
    ask_gate(queue, ANNA, "autumn", NULL, now, NULL, 0);
    cr_expect_eq(gate_said.until_wall_ms, until);
    cr_expect_eq(ask_gate(queue, ANNA, "autumn", NULL, until, NULL, 0), GATE_PASS);
}

Test(gate, what_is_erased_is_gone, .init = setup, .fini = teardown)
{
    const struct slice lists[] = {SLICE("*"), SLICE("c:spring"), SLICE("own")};
    char seen[64];

    add("*", ANNA, 0);
    fill("c:spring", begin_import("c:spring", 0), 0, ANNA);
    lock(ANNA, wall_ms() + DAY_MS, "abandoned");
    back(ANNA, "none");
    take_away("*", ANNA);
    ask_gate(queue, ANNA, "autumn", "call-1", wall_ms() + 2 * DAY_MS, NULL, 0);
    add("*", ANNA, 0);
    ask_gate(queue, BERT, "autumn", "call-1", T0, NULL, 0);
    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_erase(queue, SLICE(ANNA), lists, 3, on_texts, &got)), OK);
    cr_expect_str_eq(said[0], "2", "entries: %s", said[0]);
    cr_expect_str_eq(said[1], "1", "calls: %s", said[1]);
    cr_expect_str_eq(said[2], "1", "locks: %s", said[2]);
    cr_expect_eq(plain(ANNA), GATE_PASS);
    look(ANNA, lists, 3);
    cr_expect_eq(said_n, 3);
    cr_expect_str_eq(said[0], "0");
    look(BERT, lists, 3);
    cr_expect_str_eq(said[0], "1", "a neighbour's calls stay");
    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_note_erased(queue, SLICE(ANNA), SLICE("ana"), SLICE("letter"),
                                                SLICE("1 task"), on_texts, &got)),
                 OK);
    cr_assert_eq(strlen(said[0]), 40);
    strcpy(seen, said[0]);
    fresh_answer();
    wait_for(queue_dnc_note_erased(queue, SLICE(ANNA), SLICE("ana"), SLICE("again"), SLICE(""),
                                   on_texts, &got));
    cr_expect_str_eq(said[0], seen, "one number, one hash");
    fresh_answer();
    wait_for(queue_dnc_note_erased(queue, SLICE(BERT), SLICE("ana"), SLICE(""), SLICE(""), on_texts,
                                   &got));
    cr_expect_str_neq(said[0], seen);
}

Test(gate, every_change_is_on_record, .init = setup, .fini = teardown)
{
    char was[32];

    fresh_answer();
    wait_for(queue_dnc_version(queue, on_texts, &got));
    strcpy(was, said[0]);
    add("*", ANNA, 0);
    fresh_answer();
    wait_for(queue_dnc_version(queue, on_texts, &got));
    cr_expect_str_neq(said[0], was, "engines are told");
    take_away("*", ANNA);
    add("c:spring", "1900", 0);
    begin_import("own", 0);
    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_log(queue, 10, on_texts, &got)), OK);
    cr_assert_eq(said_n, 2 + 4 * 8);
    cr_expect_str_eq(said[0], "4");
    cr_expect_str_eq(said[2 + 1], "import");
    cr_expect_str_eq(said[2 + 8 + 1], "add");
    cr_expect_str_eq(said[2 + 8 + 3], "1900*");
    cr_expect_str_eq(said[2 + 16 + 1], "remove");
    cr_expect_str_eq(said[2 + 24 + 2], "*");
    cr_expect_str_eq(said[2 + 24 + 3], ANNA);
    cr_expect_str_eq(said[2 + 24 + 4], "ana");
    cr_expect_str_eq(said[2 + 24 + 5], "asked by letter");
    fresh_answer();
    cr_assert_eq(wait_for(queue_dnc_lists(queue, on_texts, &got)), OK);
    cr_assert_eq(said_n, 3);
    cr_expect_str_eq(said[1], "c:spring");
}

Test(gate, a_list_has_its_maximum_of_prefixes, .init = setup, .fini = teardown)
{
    const struct queue_dnc_entry more = an_entry("*", "7999999", 0);

    /* filled by hand: a thousand times a thousand copies would take a minute */
    char command[400];
    snprintf(command, sizeof(command),
             "redis-cli -s %s/redis.sock EVAL \"for i = 1, %d do redis.call('HSET', KEYS[1], "
             "'*\\31' .. (7000000 + i), '1\\0310\\31x\\31y') end\" 1 '{peal-dnc}:prefixes' "
             "> /dev/null",
             folder, DNC_PREFIXES_MAX);
    cr_assert_eq(system(command), 0);
    fresh_answer();
    cr_expect_eq(wait_for(queue_dnc_add(queue, &more, on_changed, &got)), ERR_FULL);
    cr_expect(add("own", "7999999", 0), "of another list");
}

/* What is in Redis may have been written by somebody else. */
Test(gate, nonsense_in_redis_is_an_error_not_a_pass, .init = setup, .fini = teardown)
{
    const struct queue_gate_ask ask = {.number = SLICE(ANNA), .now_wall_ms = T0, .peek = true};
    struct gate_place at;
    char command[400];

    gate_place_of(SLICE(ANNA), &at);
    snprintf(command, sizeof(command),
             "redis-cli -s %s/redis.sock SET '{peal-n-%04u}:dnc' junk > /dev/null", folder, at.tag);
    cr_assert_eq(system(command), 0);
    fresh_answer();
    cr_expect_eq(wait_for(queue_gate(queue, &ask, on_gate, &got)), ERR_IO);
}
