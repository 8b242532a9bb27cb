/* Files to documents. */
#include "io/yaml_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t yaml_file_line(const yaml_node_t *at)
{
    return at ? (uint32_t)at->start_mark.line + 1 : 1;
}

void yaml_file_refuse(struct yaml_file *y, const yaml_node_t *at, const char *fmt, ...)
{
    va_list args;

    if (y->failed)
        return;
    y->failed = true;
    int n = snprintf(y->error, y->error_max, "%.200s:%u: ", y->path, yaml_file_line(at));
    va_start(args, fmt);
    vsnprintf(y->error + n, y->error_max - (size_t)n, fmt, args);
    va_end(args);
}

enum err yaml_file_parse(struct yaml_file *y, const char *path, struct slice text, char *error,
                         size_t error_max)
{
    yaml_parser_t parser;

    *y = (struct yaml_file){.path = path, .error = error, .error_max = error_max};
    error[0] = '\0';
    if (!yaml_parser_initialize(&parser)) {
        yaml_file_refuse(y, NULL, "no memory");
        return ERR_NOMEM;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.len);
    y->open = yaml_parser_load(&parser, &y->doc);
    if (!y->open) {
        y->failed = true;
        snprintf(error, error_max, "%.200s:%zu: this is no YAML: %.120s%s%.80s", path,
                 parser.problem_mark.line + 1, parser.problem ? parser.problem : "no memory",
                 parser.context ? " " : "", parser.context ? parser.context : "");
    }
    yaml_parser_delete(&parser);
    return y->open ? OK : ERR_INVALID;
}

char *yaml_file_read(const char *path, size_t most, size_t *len, char *error, size_t error_max,
                     enum err *e)
{
    FILE *f = fopen(path, "re");

    if (!f) {
        snprintf(error, error_max, "%.200s: %s", path, strerror(errno));
        *e = ERR_NOT_FOUND;
        return NULL;
    }
    char *text = malloc(most + 2);
    *len = text ? fread(text, 1, most + 1, f) : 0;
    *e = !text ? ERR_NOMEM : ferror(f) ? ERR_IO : *len > most ? ERR_TOO_LONG : OK;
    fclose(f);
    if (*e == OK) {
        text[*len] = '\0';
        return text;
    }
    if (*e == ERR_TOO_LONG)
        snprintf(error, error_max, "%.200s: longer than %zu KiB", path, most / 1024);
    else
        snprintf(error, error_max, "%.200s: %s", path,
                 text ? "it cannot be read (is it a folder?)" : "no memory to read it");
    free(text);
    return NULL;
}

void yaml_file_close(struct yaml_file *y)
{
    if (y->open)
        yaml_document_delete(&y->doc);
    y->open = false;
}

const yaml_node_t *yaml_file_root(struct yaml_file *y)
{
    return y->open ? yaml_document_get_root_node(&y->doc) : NULL;
}

const yaml_node_t *yaml_file_node(struct yaml_file *y, int index)
{
    return yaml_document_get_node(&y->doc, index);
}

const char *yaml_file_scalar(const yaml_node_t *n)
{
    const char *text = n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;

    return text && strlen(text) == n->data.scalar.length ? text : NULL;
}
