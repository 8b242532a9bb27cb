/* One HTML page with everything in it: a template (report_html.c.html beside this file, taken in
 * whole by .incbin) with the figures as one JSON object. "</" never stands in the object, so no
 * text of a script or of the far side can end the script it is in, and the page sets texts only as
 * text. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report_parts.h"

__asm__(".section .rodata\n"
        ".global peal_sim_page\n"
        ".global peal_sim_page_end\n"
        "peal_sim_page:\n"
        ".incbin \"" __FILE__ ".html\"\n"
        "peal_sim_page_end:\n"
        ".byte 0\n"
        ".text\n");
extern const char peal_sim_page[], peal_sim_page_end[];

#define MARK     "/*DATA*/null"
#define DATA_MAX (64u * 1024 * 1024)

static void put_data(FILE *f, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '<')
            fputs("\\u003c", f);
        else
            fputc(text[i], f);
    }
}

bool report_html(const struct report *r, const char *path)
{
    size_t size = (size_t)(peal_sim_page_end - peal_sim_page);
    const char *mark = memmem(peal_sim_page, size, MARK, sizeof MARK - 1);
    char *text = malloc(DATA_MAX);
    struct buf b = buf_on(text, text ? DATA_MAX : 0);
    FILE *f = fopen(path, "we");
    struct json j;

    json_init(&j, &b);
    json_begin_object(&j, NULL);
    report_data(r, &j, true);
    json_end(&j);
    if (f && mark && buf_end(&b) == OK) {
        fwrite(peal_sim_page, 1, (size_t)(mark - peal_sim_page), f);
        put_data(f, text, b.len);
        fwrite(mark + sizeof MARK - 1, 1, (size_t)(peal_sim_page_end - mark) - sizeof MARK + 1, f);
    } else if (f) {
        fclose(f);
        f = NULL;
        errno = EFBIG;
    }
    free(text);
    return report_close(r->outcome, path, f);
}
