/* jobs/cli/opts.c: see opts.h
 *
 * Written out rather than on getopt_long, which accepts shortened names and prints its own messages:
 * here a script's option means the same in every later version, and every refusal names a remedy.
 */
#include "core/words.h"
#include "jobs/cli/opts.h"
#include "jobs/job.h"
#include "mpi/launch.h"
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HELP_COLUMN = 27, HELP_WIDTH = 100, WORD_MAX = 63 };

bool anc_opts_speaks(void) { return anc_launch_find().rank <= 0; }

int anc_opts_refuse(const anc_usage *u, const char *format, ...)
{
    if (anc_opts_speaks()) {
        char text[1024];
        va_list args;
        va_start(args, format);
        vsnprintf(text, sizeof text, format, args);
        va_end(args);
        fprintf(stderr, "anchorage: %s: %s; see anchorage %s --help\n", u->command, text, u->command);
    }
    return ANC_EXIT_USAGE;
}

static void print_default(const anc_opt *o)
{
    switch (o->type) {
    case ANC_OPT_INT: printf(" (default: %lld)", (long long)*(const int64_t *)o->value); break;
    case ANC_OPT_REAL:
        if (!isnan(*(const double *)o->value)) printf(" (default: %g)", *(const double *)o->value);
        break;
    case ANC_OPT_SIZE: {
        int64_t v = *(const int64_t *)o->value;
        int unit = 0;
        if ((double)v < o->min)
            break; /* none that can be given: the command chooses, and its help says how */
        while (v >= 65536 && v % 1024 == 0 && unit < 3) v /= 1024, unit++; /* 2048 images are not 2k */
        printf(" (default: %lld%.*s)", (long long)v, unit > 0, &" kMG"[unit]);
        break;
    }
    case ANC_OPT_STRING: {
        const char *text = *(const char *const *)o->value;
        if (text && *text) printf(" (default: %s)", text);
        break;
    }
    case ANC_OPT_FLAG:
    case ANC_OPT_ONCE:
    case ANC_OPT_LIST: break;
    }
}

/* Prints text in words, from `column` on, so that no line is longer than HELP_WIDTH. */
static void print_wrapped(const char *text, int column)
{
    int at = column;
    while (*text) {
        int word = (int)strcspn(text, " ");
        if (at > column && at + 1 + word > HELP_WIDTH) {
            printf("\n%*s", column, "");
            at = column;
        }
        at += printf("%s%.*s", at > column ? " " : "", word, text);
        text += word;
        text += strspn(text, " ");
    }
}

static void print_help(const anc_usage *u)
{
    printf("usage: anchorage %s [OPTION]...%s%s\n\n", u->command, *u->operands ? " " : "", u->operands);
    print_wrapped(u->about, 0);
    puts("\n\nOptions:");
    for (const anc_opt *o = u->opt; o->name; o++) {
        char letter[5] = "    ";
        if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
        int n = printf("  %s--%s%s%s", letter, o->name, o->meta ? " " : "", o->meta ? o->meta : "");
        if (n > HELP_COLUMN - 2)
            printf("\n%*s", HELP_COLUMN, "");
        else
            printf("%*s", HELP_COLUMN - n, "");
        print_wrapped(o->help, HELP_COLUMN);
        print_default(o);
        putchar('\n');
    }
    printf("  %-*s%s\n", HELP_COLUMN - 2, "-h, --help", "this text");
    printf("  %-*s%s\n\nExample:\n  %s\n", HELP_COLUMN - 2, "-V, --version", "the program's version",
           u->example);
}

/* What ends the run with a text; from one process of a team. */
static int show(const anc_usage *u, bool version)
{
    if (anc_opts_speaks() && version) puts("anchorage " ANC_VERSION);
    if (anc_opts_speaks() && !version) print_help(u);
    return 1 + ANC_EXIT_DONE;
}

/* Numbers are taken whole or not at all: "4x", "", " 4" and "0x10" are refused. */
static bool whole_number(const char *text, const char **rest, int64_t *out)
{
    const char *digits = text + (*text == '-' || *text == '+');
    if (*digits < '0' || *digits > '9') return false;
    errno = 0;
    char *end;
    *out = strtoll(text, &end, 10); /* an overflow saturates; the caller sees errno */
    *rest = end;
    return true;
}

static bool real_number(const char *text, double *out)
{
    if (!*text || strspn(text, "0123456789+-.eE") != strlen(text)) return false;
    char *end;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

/* Sets o's variable from text; 0, or the exit code of a usage error. */
static int take(const anc_usage *u, const anc_opt *o, const char *text)
{
    double value = 0;
    int64_t whole = 0;
    const char *rest = "";
    switch (o->type) {
    case ANC_OPT_FLAG: *(bool *)o->value = true; return 0;
    case ANC_OPT_ONCE:
        if (*(const char **)o->value) return anc_opts_refuse(u, "--%s is given twice; keep one", o->name);
        *(const char **)o->value = text;
        return 0;
    case ANC_OPT_STRING: *(const char **)o->value = text; return 0;
    case ANC_OPT_LIST: {
        anc_opt_list *list = o->value;
        if (list->n == (int)(sizeof list->item / sizeof *list->item))
            return anc_opts_refuse(u, "--%s is given more than %d times", o->name, list->n);
        list->item[list->n++] = text;
        return 0;
    }
    case ANC_OPT_INT:
        if (!whole_number(text, &rest, &whole) || *rest)
            return anc_opts_refuse(u, "--%s: '%s' is not a whole number", o->name, text);
        value = (double)whole;
        break;
    case ANC_OPT_SIZE: {
        if (!whole_number(text, &rest, &whole) || (*rest && (!strchr("kMG", *rest) || rest[1])))
            return anc_opts_refuse(u, "--%s: '%s' is not a size such as 4096, 64k, 16M or 1G", o->name, text);
        int shift = *rest == 'k' ? 10 : *rest == 'M' ? 20 : *rest == 'G' ? 30 : 0;
        if (__builtin_mul_overflow(whole, (int64_t)1 << shift, &whole)) errno = ERANGE;
        value = (double)whole;
        break;
    }
    case ANC_OPT_REAL:
        errno = 0; /* an underflow to 0 is no error, an overflow is not finite */
        if (!real_number(text, &value))
            return anc_opts_refuse(u, "--%s: '%s' is not a number", o->name, text);
        errno = 0;
        break;
    }
    bool any = o->min == 0 && o->max == 0;
    if (errno == ERANGE && any)
        return anc_opts_refuse(u, "--%s: %s does not fit into 64 bits", o->name, text);
    if (errno == ERANGE || (!any && !(value >= o->min && value <= o->max)))
        return anc_opts_refuse(u, "--%s: %s is out of range (%.16g to %.16g)", o->name, text, o->min, o->max);
    if (o->type == ANC_OPT_REAL)
        *(double *)o->value = value;
    else
        *(int64_t *)o->value = whole;
    return 0;
}

static int refuse_unknown(const anc_usage *u, const char *name, int length)
{
    char word[WORD_MAX + 2];
    const char *known[128] = { "help", "version" };
    size_t n = 2;
    for (const anc_opt *o = u->opt; o->name && n < sizeof known / sizeof *known; o++) known[n++] = o->name;
    snprintf(word, sizeof word, "%.*s", length, name);
    const char *near = anc_nearest(word, known, n);
    return anc_opts_refuse(u, "there is no option --%.*s%s%s%s", length, name,
                           near ? " (did you mean --" : "", near ? near : "", near ? "?)" : "");
}

/* Options and their arguments from argv[*i]; leaves *i at the last word it used. Returns as parse does. */
static int parse_long(const anc_usage *u, int argc, char **argv, int *i)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    int length = equals ? (int)(equals - name) : (int)strlen(name);
    if (length == 4 && !strncmp(name, "help", 4)) return show(u, false);
    if (length == 7 && !strncmp(name, "version", 7)) return show(u, true);
    const anc_opt *o = u->opt;
    while (o->name && (strncmp(o->name, name, (size_t)length) || o->name[length])) o++;
    if (!o->name) return 1 + refuse_unknown(u, name, length);
    const char *text = equals ? equals + 1 : NULL;
    if (o->type == ANC_OPT_FLAG && text) return 1 + anc_opts_refuse(u, "--%s takes no argument", o->name);
    if (o->type != ANC_OPT_FLAG && !text) {
        if (*i + 1 == argc) return 1 + anc_opts_refuse(u, "--%s needs an argument, %s", o->name, o->meta);
        text = argv[++*i];
    }
    int code = take(u, o, text);
    return code ? 1 + code : 0;
}

static int parse_short(const anc_usage *u, int argc, char **argv, int *i)
{
    for (const char *c = argv[*i] + 1; *c; c++) {
        const anc_opt *o = u->opt;
        while (o->name && o->letter != *c) o++;
        if (!o->name && (*c == 'h' || *c == 'V')) return show(u, *c == 'V');
        if (!o->name) return 1 + anc_opts_refuse(u, "there is no option -%c", *c);
        const char *text = NULL;
        if (o->type != ANC_OPT_FLAG) {
            if (!c[1] && *i + 1 == argc)
                return 1 + anc_opts_refuse(u, "-%c needs an argument, %s", *c, o->meta);
            text = c[1] ? c + 1 : argv[++*i];
        }
        int code = take(u, o, text);
        if (code) return 1 + code;
        if (text) break;
    }
    return 0;
}

int anc_opts_parse(const anc_usage *u, int argc, char **argv, const char **operand, int *n_operands)
{
    bool only_operands = false;
    *n_operands = 0;
    if (argc == 2 && !strcmp(argv[1], "help") && access("help", F_OK)) return show(u, false);
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        int end = 0;
        if (only_operands || word[0] != '-' || !word[1]) { /* a lone "-" is an operand, as usual */
            if (*n_operands == u->max_operands)
                return 1 + anc_opts_refuse(u, "'%s' is one operand too many", word);
            operand[(*n_operands)++] = word;
        } else if (!strcmp(word, "--")) {
            only_operands = true;
        } else {
            end = word[1] == '-' ? parse_long(u, argc, argv, &i) : parse_short(u, argc, argv, &i);
        }
        if (end) return end;
    }
    if (*n_operands < u->min_operands) return 1 + anc_opts_refuse(u, "missing operand: %s", u->operands);
    return 0;
}
