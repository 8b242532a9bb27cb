#include "api/leads_body.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static enum err no(enum err e, char *says, const char *sentence)
{
    snprintf(says, LEADS_BODY_SAYS_MAX, "%s", sentence);
    return e;
}

static enum err count_rows(struct slice text, char *says)
{
    struct slice line;
    uint32_t n = 0;

    while (text.len) {
        slice_cut(text, '\n', &line, &text);
        n += slice_trim(line).len > 0;
    }
    /* CSV has a header besides. */
    if (n <= LEADS_BODY_ROWS_MAX + 1)
        return OK;
    return no(ERR_TOO_LONG, says, "at most 1000 leads are taken at once; send them in parts");
}

static int put(const char *bytes, size_t n, void *arg)
{
    return fwrite(bytes, 1, n, arg) == n ? 0 : -1;
}

static bool put_line(const json_t *object, FILE *to)
{
    return json_is_object(object) &&
           json_dump_callback(object, put, to, JSON_COMPACT | JSON_PRESERVE_ORDER) == 0 &&
           fputc('\n', to) != EOF;
}

/* One object, or an array of them, as JSON Lines. */
static enum err to_lines(const json_t *document, struct slice *text, char **made, char *says)
{
    size_t len = 0, n = json_is_array(document) ? json_array_size(document) : 1;
    FILE *to;
    bool good = true;

    if (n > LEADS_BODY_ROWS_MAX)
        return no(ERR_TOO_LONG, says, "at most 1000 leads are taken at once; send them in parts");
    to = open_memstream(made, &len);
    if (!to)
        return no(ERR_NOMEM, says, "no memory");
    for (size_t i = 0; i < n && good; i++)
        good = put_line(json_is_array(document) ? json_array_get(document, i) : document, to);
    fclose(to);
    *text = slice_of(*made, len);
    if (good && n)
        return OK;
    return no(ERR_INVALID, says, "leads are JSON objects, and there is at least one");
}

enum err leads_body_read(struct slice body, struct slice *text, char **made,
                         char says[LEADS_BODY_SAYS_MAX])
{
    *made = NULL;
    *text = body;
    if (!slice_trim(body).len)
        return no(ERR_INVALID, says, "the body has no leads");
    json_t *document = json_loadb(body.p, body.len, 0, NULL);
    enum err e;

    if (json_is_object(document) || json_is_array(document))
        e = to_lines(document, text, made, says);
    else
        e = count_rows(body, says);
    json_decref(document);
    return e;
}
