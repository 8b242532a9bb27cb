/* Payloads: what is packed is unpacked, and nothing else is taken. */
#include "queue/task.h"

#include <criterion/criterion.h>

#include "base/rng.h"

static char text[TASK_PAYLOAD_MAX];

Test(task, packs_and_unpacks)
{
    const struct queue_lead lead = {.id = SLICE("id"),
                                    .numbers = {{SLICE("+447700900123")}},
                                    .name = SLICE("Anne\x1fMarie\nŽ"),
                                    .zone = SLICE("Europe/London"),
                                    .fields = SLICE("{\"a\":\"b\x1f\"}"),
                                    .priority = INT32_MIN,
                                    .expires_wall_ms = UINT64_MAX};
    struct queue_task t = {.id = "keeps"};
    struct buf b = buf_on(text, sizeof(text));

    cr_assert_eq(task_pack(&lead, &b), OK);
    cr_assert_eq(task_unpack(buf_slice(&b), &t), OK);
    cr_assert_str_eq(t.id, "keeps");
    cr_assert_eq(t.number_count, 1);
    cr_assert_str_eq(queue_task_number(&t), "+447700900123");
    cr_assert_str_eq(t.numbers[0].kind, "");
    cr_assert_str_eq(t.name, "Anne Marie Ž", "separators inside a text must not part it");
    cr_assert_str_eq(t.zone, "Europe/London");
    cr_assert_str_eq(t.fields, "{\"a\":\"b\x1f\"}");
    cr_assert_eq(t.priority, INT32_MIN);
    cr_assert_eq(t.expires_wall_ms, UINT64_MAX);
}

Test(task, the_largest_fits)
{
    static char big[QUEUE_FIELDS_MAX + 1];
    struct queue_task t;
    struct buf b = buf_on(text, sizeof(text));

    memset(big, 'b', sizeof(big));
    struct queue_lead lead = {.id = slice_of(big, QUEUE_ID_MAX),
                              .name = slice_of(big, QUEUE_NAME_MAX),
                              .zone = slice_of(big, QUEUE_ZONE_MAX),
                              .fields = slice_of(big, QUEUE_FIELDS_MAX),
                              .priority = INT32_MIN,
                              .expires_wall_ms = UINT64_MAX};

    for (int i = 0; i < QUEUE_NUMBERS_MAX; i++) {
        lead.numbers[i].number = slice_of(big, QUEUE_NUMBER_MAX);
        lead.numbers[i].kind = slice_of(big, QUEUE_KIND_MAX);
    }
    cr_assert_eq(task_pack(&lead, &b), OK);
    cr_assert(!b.overflow);
    cr_assert_eq(task_unpack(buf_slice(&b), &t), OK);
    cr_assert_eq(strlen(t.fields), QUEUE_FIELDS_MAX);
    cr_assert_eq(t.number_count, QUEUE_NUMBERS_MAX);
    cr_assert_eq(strlen(t.numbers[QUEUE_NUMBERS_MAX - 1].kind), QUEUE_KIND_MAX);
    lead.name.len++;
    b.len = 0;
    cr_assert_eq(task_pack(&lead, &b), ERR_TOO_LONG);
    cr_assert_eq(b.len, 0);
}

Test(task, numbers_with_and_without_a_kind)
{
    struct queue_lead lead = {.id = SLICE("id"),
                              .numbers = {{SLICE("+12025550123"), SLICE("mobile")},
                                          {SLICE("+12025550124"), SLICE_NONE},
                                          {SLICE("+12025550125"), SLICE("work")}}};
    struct queue_task t;
    struct buf b = buf_on(text, sizeof(text));

    cr_assert_eq(task_pack(&lead, &b), OK);
    cr_assert(slice_starts(buf_slice(&b),
                           SLICE("+12025550123 mobile,+12025550124,+12025550125 work\x1f")),
              SLICE_FMT, SLICE_ARG(buf_slice(&b)));
    cr_assert_eq(task_unpack(buf_slice(&b), &t), OK);
    cr_assert_eq(t.number_count, 3);
    cr_assert_str_eq(t.numbers[0].kind, "mobile");
    cr_assert_str_eq(t.numbers[1].number, "+12025550124");
    cr_assert_str_eq(t.numbers[1].kind, "");
    cr_assert_str_eq(queue_task_number(&t), "+12025550123");
    t.number_at = 2;
    cr_assert_str_eq(queue_task_number(&t), "+12025550125");
    t.number_at = 3;
    cr_assert_str_eq(queue_task_number(&t), "", "there is no fourth");
    cr_assert_eq(task_unpack(SLICE("\x1fname\x1f\x1f"
                                   "0\x1f"
                                   "0\x1f{}"),
                             &t),
                 OK);
    cr_assert_eq(t.number_count, 0);
    cr_assert_str_eq(queue_task_number(&t), "");
    lead.numbers[1].kind = SLICE("two words");
    cr_assert_eq(task_pack(&lead, &b), ERR_INVALID);
    lead.numbers[1].kind = SLICE("a,b");
    cr_assert_eq(task_pack(&lead, &b), ERR_INVALID);
    lead.numbers[1].kind = SLICE("sixteen-letters-");
    cr_assert_eq(task_pack(&lead, &b), ERR_TOO_LONG);
}

Test(task, refuses_what_is_not_of_the_form)
{
    static const char *const bads[] = {
        "",
        "\x1f\x1f\x1f\x1f",
        "n\x1fname\x1fzone\x1f"
        "0\x1f",
        "n\x1fname\x1fzone\x1fx\x1f"
        "0\x1f",
        "n\x1fname\x1fzone\x1f\x1f"
        "0\x1f",
        "n\x1fname\x1fzone\x1f-\x1f"
        "0\x1f",
        "n\x1fname\x1fzone\x1f"
        "2147483648\x1f"
        "0\x1f",
        "n\x1fname\x1fzone\x1f"
        "0\x1f-1\x1f",
        "n\x1fna\nme\x1fzone\x1f"
        "0\x1f"
        "0\x1f{}",
        "n,\x1fname\x1fzone\x1f"
        "0\x1f"
        "0\x1f{}",
        ",n\x1fname\x1fzone\x1f"
        "0\x1f"
        "0\x1f{}",
        "n a b\x1fname\x1fzone\x1f"
        "0\x1f"
        "0\x1f{}",
        "n 1234567890123456\x1fname\x1fzone\x1f"
        "0\x1f"
        "0\x1f{}",
        "1,2,3,4,5,6,7,8,9\x1fname\x1fzone\x1f"
        "0\x1f"
        "0\x1f{}",
        "12345678901234567890123456789012\x1fname\x1fzone\x1f"
        "0\x1f"
        "0\x1f{}",
    };
    struct queue_task t;

    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
        cr_assert_eq(task_unpack(slice_cstr(bads[i]), &t), ERR_INVALID, "took number %zu", i);
    cr_assert_eq(task_unpack(SLICE("n\x1fname\x1fzone\x1f"
                                   "0\x1f"
                                   "0\x1f{}"),
                             &t),
                 OK);
    cr_assert_eq(task_unpack(slice_of("n\x1fm\x1fz\x1f"
                                      "0\x1f"
                                      "0\x1f{\0}",
                                      14),
                             &t),
                 ERR_INVALID);
}
