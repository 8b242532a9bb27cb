/* Payloads: what is packed is unpacked, and nothing else is taken. */
#include "queue/task.h"

#include <criterion/criterion.h>

#include "base/rng.h"

static char text[TASK_PAYLOAD_MAX];

Test(task, packs_and_unpacks)
{
    const struct queue_lead lead = {.id = SLICE("id"),
                                    .number = SLICE("+447700900123"),
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
    cr_assert_str_eq(t.number, "+447700900123");
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
                              .number = slice_of(big, QUEUE_NUMBER_MAX),
                              .name = slice_of(big, QUEUE_NAME_MAX),
                              .zone = slice_of(big, QUEUE_ZONE_MAX),
                              .fields = slice_of(big, QUEUE_FIELDS_MAX),
                              .priority = INT32_MIN,
                              .expires_wall_ms = UINT64_MAX};

    cr_assert_eq(task_pack(&lead, &b), OK);
    cr_assert(!b.overflow);
    cr_assert_eq(task_unpack(buf_slice(&b), &t), OK);
    cr_assert_eq(strlen(t.fields), QUEUE_FIELDS_MAX);
    lead.name.len++;
    b.len = 0;
    cr_assert_eq(task_pack(&lead, &b), ERR_TOO_LONG);
    cr_assert_eq(b.len, 0);
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
