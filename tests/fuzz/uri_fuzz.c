/* URIs, name-addrs and lists on arbitrary bytes: what is accepted is equal to itself written and
 * parsed again, and a written name-addr is accepted. */
#include <stdint.h>
#include <stdlib.h>

#include "../guard.h"
#include "sip/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096

static char out[4 * INPUT_MAX], more[4 * INPUT_MAX];

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void uri(struct slice text)
{
    struct sip_uri u, v, w;
    if (sip_uri_parse(text, &u) != OK)
        return;
    struct buf b = buf_on(out, sizeof(out));
    sip_uri_write(&b, &u);
    must(buf_end(&b) == OK);
    must(sip_uri_parse(slice_of(guard_place(b.p, b.len), b.len), &v) == OK);
    must(sip_uri_eq(&u, &u) && sip_uri_eq(&u, &v) && sip_uri_eq(&v, &u));
    struct buf r = buf_on(more, sizeof(more));
    sip_uri_write_request(&r, &u);
    must(sip_uri_parse(buf_slice(&r), &w) == OK);
    must(w.headers.len == 0 && sip_uri_is_loose(&w) == sip_uri_is_loose(&u));
}

/* Escaping any bytes as a user gives a URI whose user means these bytes. */
static void escape(struct slice text)
{
    struct sip_uri u;
    struct buf b = buf_on(out, sizeof(out));
    buf_puts(&b, "sip:");
    sip_user_write_escaped(&b, text);
    buf_puts(&b, "@a.test");
    must(buf_end(&b) == OK);
    if (text.len == 0)
        return;
    must(sip_uri_parse(buf_slice(&b), &u) == OK);
    struct buf back = buf_on(more, sizeof(more));
    sip_unescape(&back, u.user);
    must(slice_eq(buf_slice(&back), text));
}

static void nameaddr(struct slice text)
{
    struct sip_nameaddr na, again;
    if (sip_nameaddr_parse(text, &na) != OK || na.is_star)
        return;
    uri(na.uri_text);
    struct buf b = buf_on(out, sizeof(out));
    sip_nameaddr_write(&b, text, na.uri_text, na.tag);
    must(buf_end(&b) == OK);
    must(sip_nameaddr_parse(slice_of(guard_place(b.p, b.len), b.len), &again) == OK);
    must(slice_eq(again.uri_text, na.uri_text) && slice_eq(again.tag, na.tag));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > INPUT_MAX)
        return 0;
    struct slice text = slice_of(guard_place(data, size), size), rest = text, name, value;
    uri(text);
    text.p = guard_place(data, size);
    nameaddr(text);
    text.p = guard_place(data, size);
    escape(text);
    rest = text;
    while (sip_param_next(&rest, &name, &value))
        must(name.len > 0);
    rest = text;
    while (sip_list_next(&rest, &value))
        must(value.len > 0);
    return 0;
}
