/* jobs/cli/source_opts.c: see source_opts.h */
#include "jobs/cli/source_opts.h"
#include <stdio.h>
#include <string.h>

/* The place of word in choices (NULL ends them); 0 for no word. */
static anc_status choose(const char *option, const char *word, const char *const *choices, int *out,
                         anc_err *err)
{
    char text[128] = "";
    size_t n = 0;
    *out = 0;
    for (int i = 0; word && choices[i]; i++) {
        if (!strcmp(word, choices[i])) {
            *out = i;
            return ANC_OK;
        }
        if (n < sizeof text)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s",
                                  !i               ? ""
                                  : choices[i + 1] ? ", "
                                                   : " or ",
                                  choices[i]);
    }
    return word ? anc_fail(err, ANC_EARGUMENT, "--%s %s: must be %s", option, word, text) : ANC_OK;
}

anc_status anc_source_options(const anc_source_words *w, anc_reader_options *out, anc_err *err)
{
    static const char *const difficult[] = { "keep", "drop", "ignore", NULL };
    static const char *const corners[] = { "one", "zero", "edges", NULL };
    static const char *const box[] = { "fbox", "vbox", "hbox", NULL };
    int d, c, b;
    if (choose("difficult", w->difficult, difficult, &d, err) ||
        choose("corners", w->corners, corners, &c, err) || choose("box", w->box, box, &b, err))
        return err->code;
    *out = (anc_reader_options){
        .format = w->format,
        .images = w->images,
        .sizes = w->sizes,
        .names = w->names,
        .list = w->list,
        .difficult = (anc_difficult)d,
        .corners = (anc_corners)c,
        .box = (anc_box_kind)b,
        .strict = w->strict,
    };
    if (w->format && strcmp(w->format, "annotations") && !anc_reader_find(w->format)) {
        static const anc_probe nothing = { "", false, "", (const unsigned char *)"", 0 };
        const anc_reader *r;
        return anc_reader_for(out, &nothing, &r, err); /* says which formats there are */
    }
    return ANC_OK;
}
