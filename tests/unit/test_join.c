/* tests/unit/test_join.c: several data sets made one: nothing lost, nothing mixed up */
#include "io/dataset/builder.h"
#include "io/source/join.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 3, NAMES = 6 };
static const char *const called[SETS] = { "a.json", "b.json", "c.json" };

/* A set of two images with a box each of the categories given as "3 car, 7 dog". first: of image and
 * annotation ids; pictures are PREFIX0.jpg, PREFIX1.jpg ("" gives none a name). */
static void make(anc_dataset *d, const char *categories, int64_t first, int64_t first_box, const char *prefix)
{
    anc_err err = { 0 };
    anc_builder *b = anc_builder_new();
    int id, used;
    int64_t box_id = first_box;
    char name[64] = "";
    for (int i = 0; i < 2; i++) {
        if (*prefix) snprintf(name, sizeof name, "%s%d.jpg", prefix, i);
        CU_ASSERT(!anc_builder_image(b, first + i, 100, 200, name, strlen(name), &err));
    }
    for (const char *p = categories; sscanf(p, "%d %63[^,]%n", &id, name, &used) == 2;
         p += p[used] ? used + 2 : used) {
        if (strcmp(name, "-")) CU_ASSERT(!anc_builder_category(b, id, name, strlen(name), &err));
        for (int i = 0; i < 2; i++) {
            anc_gt box = {
                { id, i, id + 50.25, 120 }, box_id ? box_id++ : 0, id, (uint8_t)i, ANC_FLAG_INSIDE
            };
            CU_ASSERT(!anc_builder_box(b, first + i, &box, &err));
        }
    }
    CU_ASSERT_EQUAL_FATAL(anc_builder_finish(b, d, &err), ANC_OK);
    anc_builder_free(b);
}

static const char *name_of(const anc_dataset *d, int32_t id)
{
    for (int64_t k = 0; k < d->n_categories; k++)
        if (d->category[k].id == id) return d->category[k].name;
    return "";
}

static void clear(anc_dataset *set, anc_dataset *out)
{
    for (int s = 0; s < SETS; s++) anc_dataset_clear(&set[s]);
    anc_dataset_clear(out);
}

/* "1 car, 3 dog" */
static void expect_categories(const anc_dataset *d, const char *want)
{
    char got[200] = "";
    for (int64_t k = 0; k < d->n_categories; k++)
        snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d %s", k ? ", " : "", d->category[k].id,
                 d->category[k].name);
    CU_ASSERT_STRING_EQUAL(got, want);
}

static void ids_that_do_not_clash_stay(void)
{
    anc_err err = { 0 };
    anc_dataset set[SETS] = { { 0 } }, out = { 0 };
    anc_join_changes changed;
    make(&set[0], "3 car, 7 dog", 500, 1, "a");
    make(&set[1], "7 dog", 100, 9, "b");
    make(&set[2], "3 car, 5 ant", 200, 20, "c");
    CU_ASSERT_EQUAL_FATAL(anc_join(set, called, 3, &out, &changed, &err), ANC_OK);
    CU_ASSERT(!changed.images && !changed.categories && !changed.annotations);
    expect_categories(&out, "3 car, 5 ant, 7 dog");
    const int64_t ids[] = { 100, 101, 200, 201, 500, 501 };
    CU_ASSERT_EQUAL_FATAL(out.n_images, 6);
    for (int i = 0; i < 6; i++) CU_ASSERT_EQUAL(out.image[i].id, ids[i]);
    CU_ASSERT_STRING_EQUAL(out.file_name[5], "a1.jpg");
    CU_ASSERT(out.box[out.box_offset[5]].id == 2 && out.box[out.box_offset[5]].crowd == 1);
    CU_ASSERT(out.report.annotations == 10 && out.report.crowds == 5 && out.report.without_boxes == 0);
    clear(set, &out);
}

static void categories_are_matched_by_name_where_ids_contradict(void)
{
    static const char *const cases[][SETS + 1] = {
        { "1 car, 2 dog", "1 dog", "9 ant", "1 ant, 2 car, 3 dog" }, /* an id of two names */
        { "1 car", "2 car", "3 dog", "1 car, 2 dog" },               /* a name of two ids */
        { "5 b, 6 a", "5 a, 6 b", "5 b, 6 a", "1 a, 2 b" },          /* exchanged */
        { "1 x, 4 x", "1 x, 4 x", "", "1 x, 4 x" }, /* twice in both alike: nothing to decide */
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        anc_err err = { 0 };
        anc_dataset set[SETS] = { { 0 } }, out = { 0 };
        anc_join_changes changed;
        for (int s = 0; s < SETS; s++)
            make(&set[s], cases[c][s], 10 * s + 1, 0, (const char *[]){ "a", "b", "c" }[s]);
        CU_ASSERT_EQUAL_FATAL(anc_join(set, called, 3, &out, &changed, &err), ANC_OK);
        CU_ASSERT_EQUAL(changed.categories, c < 3);
        expect_categories(&out, cases[c][SETS]);
        clear(set, &out);
    }
}

static void what_cannot_be_told_apart_is_refused(void)
{
    static const struct {
        const char *categories[2], *prefix[2];
        int64_t first[2];
        const char *says;
    } cases[] = {
        { { "1 x", "1 x" },
          { "a", "a" },
          { 1, 5 },
          "the picture 'a0.jpg' is in a.json and in b.json: leave" },
        { { "1 x", "1 x" },
          { "", "" },
          { 4, 5 },
          "image 5 is in a.json and in b.json, and image 4 of a.json has no file name" },
        { { "1 x", "1 x" },
          { "a", "" },
          { 5, 4 },
          "image 5 is in a.json and in b.json, and image 4 of b.json has no file name" },
        { { "1 x, 4 x", "1 x" },
          { "a", "b" },
          { 1, 5 },
          "a.json: the category 'x' is listed twice, and other" },
        { { "1 x", "1 -" }, { "a", "b" }, { 1, 5 }, "b.json: lists no categories, but a.json does" },
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        anc_err err = { 0 };
        anc_dataset set[SETS] = { { 0 } }, out = { 0 };
        anc_join_changes changed;
        for (int s = 0; s < 2; s++)
            make(&set[s], cases[c].categories[s], cases[c].first[s], 0, cases[c].prefix[s]);
        CU_ASSERT_EQUAL(anc_join(set, called, 2, &out, &changed, &err), ANC_EDATA);
        if (!strstr(err.text, cases[c].says)) printf("case %zu: %s\n", c, err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[c].says));
        CU_ASSERT(!out.n_images && !out.image && !out.category);
        clear(set, &out);
    }
}

/* Of another writer's file: a box of a category that its list lacks. */
static void a_category_out_of_the_list_is_named(void)
{
    anc_err err = { 0 };
    anc_dataset set[SETS] = { { 0 } }, out = { 0 };
    anc_join_changes changed;
    make(&set[0], "1 x", 1, 1, "a");
    make(&set[1], "2 x", 7, 50, "b");
    set[1].box[1].category = 3;
    CU_ASSERT_EQUAL(anc_join(set, called, 2, &out, &changed, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "b.json: annotation 51 of image 8 has category 3, which"));
    clear(set, &out);
}

/* A set of random ids; its pictures' names are its own. */
static void random_set(anc_dataset *d, int s, check_rng *rng, bool clash)
{
    anc_err err = { 0 };
    anc_builder *b = anc_builder_new();
    bool has[NAMES];
    int shift = clash ? (int)(check_u64(rng) % 3) : 0;
    for (int k = 0; k < NAMES; k++) {
        char name[8];
        has[k] = check_u64(rng) % 3 > 0;
        snprintf(name, sizeof name, "n%d", k);
        if (has[k]) anc_builder_category(b, k + 1 + shift, name, strlen(name), &err);
    }
    int n = (int)(check_u64(rng) % 8);
    for (int i = 0; i < n; i++) {
        char name[32];
        int64_t id = (int64_t)(clash ? 0 : 1000 * s) + (n - i) * 3;
        snprintf(name, sizeof name, "set%d/%d.png", s, i);
        anc_builder_image(b, id, 50 + i, 60 + s, name, strlen(name), &err);
        for (int k = 0; k < NAMES; k++) {
            anc_gt box = { { i, k, i + 1 + s, k + 2 }, clash ? i + 1 : 0, k + 1 + shift, 0, 0 };
            if (has[k] && check_u64(rng) % 2) anc_builder_box(b, id, &box, &err);
        }
    }
    anc_builder_unseen(b, s, s);
    CU_ASSERT_EQUAL_FATAL(anc_builder_finish(b, d, &err), ANC_OK);
    anc_builder_free(b);
}

static int64_t find_picture(const anc_dataset *d, const char *name)
{
    int64_t i = 0;
    while (i < d->n_images && strcmp(d->file_name[i], name)) i++;
    return i;
}

static void same_picture(const anc_dataset *d, int64_t i, const anc_dataset *out, bool clash)
{
    int64_t at = find_picture(out, d->file_name[i]), n = d->box_offset[i + 1] - d->box_offset[i];
    CU_ASSERT_FATAL(at < out->n_images);
    CU_ASSERT(out->image[at].height == d->image[i].height && out->image[at].width == d->image[i].width);
    if (!clash) CU_ASSERT_EQUAL(out->image[at].id, d->image[i].id);
    CU_ASSERT_EQUAL_FATAL(out->box_offset[at + 1] - out->box_offset[at], n);
    for (int64_t k = 0; k < n; k++) {
        const anc_gt *a = &d->box[d->box_offset[i] + k], *b = &out->box[out->box_offset[at] + k];
        CU_ASSERT(!memcmp(a->xyxy, b->xyxy, sizeof a->xyxy));
        CU_ASSERT_STRING_EQUAL(name_of(d, a->category), name_of(out, b->category));
    }
}

/* Brute force: every picture and box of every set is found in the result, by names, and nothing else is. */
static void nothing_is_lost_or_mixed_up(void)
{
    check_rng rng = { 77 };
    for (int round = 0; round < 300; round++) {
        anc_err err = { 0 };
        anc_dataset set[SETS] = { { 0 } }, out = { 0 };
        anc_join_changes changed;
        bool clash = round % 2;
        int64_t images = 0, boxes = 0;
        for (int s = 0; s < SETS; s++) {
            random_set(&set[s], s, &rng, clash);
            images += set[s].n_images;
            boxes += set[s].n_boxes;
        }
        CU_ASSERT_EQUAL_FATAL(anc_join(set, called, SETS, &out, &changed, &err), ANC_OK);
        CU_ASSERT(!anc_dataset_check(&out, &err));
        CU_ASSERT(out.n_images == images && out.n_boxes == boxes);
        CU_ASSERT(out.report.annotations == boxes + 3 && out.report.empty_boxes == 3);
        CU_ASSERT(clash || (!changed.images && !changed.annotations && !changed.categories));
        for (int s = 0; s < SETS; s++)
            for (int64_t i = 0; i < set[s].n_images; i++)
                same_picture(&set[s], i, &out, clash && changed.images);
        for (int64_t i = 0; i < images && changed.images; i++) CU_ASSERT_EQUAL(out.image[i].id, i + 1);
        for (int64_t k = 0; k < boxes && changed.annotations; k++) CU_ASSERT_EQUAL(out.box[k].id, 0);
        clear(set, &out);
    }
}

CHECK_SUITE("join", CHECK(ids_that_do_not_clash_stay),
            CHECK(categories_are_matched_by_name_where_ids_contradict),
            CHECK(what_cannot_be_told_apart_is_refused), CHECK(a_category_out_of_the_list_is_named),
            CHECK(nothing_is_lost_or_mixed_up));
