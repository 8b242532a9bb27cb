/* Rows come from the CSV reader, numbers from the normaliser; here is only which column it is. */
#include "campaign/numbers_file.h"

#include <stdio.h>

enum err numbers_file_init(struct numbers_file *f, csv_read_fn *read, void *arg,
                           const struct number_country *home)
{
    *f = (struct numbers_file){.home = home};
    enum err e = csv_init(&f->csv, read, arg);

    if (!e && (e = csv_sniff(&f->csv)) != OK) {
        snprintf(f->reason, sizeof(f->reason), "%s", f->csv.why ? f->csv.why : "it cannot be read");
        numbers_file_fini(f);
    }
    return e;
}

void numbers_file_fini(struct numbers_file *f)
{
    csv_fini(&f->csv);
}

uint64_t numbers_file_line(const struct numbers_file *f)
{
    return f->csv.line;
}

/* True: the row names the columns. */
static bool take_header(struct numbers_file *f)
{
    for (uint32_t i = 0; i < f->csv.count; i++) {
        struct slice name = slice_trim(f->csv.fields[i]);

        if (slice_ieq(name, SLICE("number")) || slice_ieq(name, SLICE("phone"))) {
            f->column = i;
            return true;
        }
    }
    return false;
}

static enum err reject(struct numbers_file *f, const char *why)
{
    snprintf(f->reason, sizeof(f->reason), "%s", why);
    f->rejected++;
    return ERR_INVALID;
}

enum err numbers_file_next(struct numbers_file *f, char number[NUMBER_E164_MAX])
{
    for (;;) {
        enum err e = csv_next(&f->csv);

        if (e == ERR_INVALID)
            return reject(f, f->csv.why);
        if (e)
            return e;
        if (f->csv.count && f->csv.fields[0].len && f->csv.fields[0].p[0] == '#')
            continue;
        bool first = !f->begun;

        f->begun = true;
        if (first && take_header(f))
            continue;
        if (f->column >= f->csv.count)
            return reject(f, "it has no number's column");
        struct slice text = slice_trim(f->csv.fields[f->column]);
        const char *why = NULL;

        if (number_normalise(text, f->home, number, &why) != OK) {
            if (!f->home && text.len && text.p[0] >= '0' && text.p[0] <= '9')
                why = "it has no +, and no country is named (--country)";
            return reject(f, why);
        }
        f->numbers++;
        return OK;
    }
}
