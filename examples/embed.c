/* embed.c: labels one image in process, as a data loader would after reading its annotation
 *
 *   cc embed.c $(pkg-config --cflags --libs anchorage) -o embed && ./embed
 *
 * With a folder as argument it also writes each column of the results there, as raw numbers.
 */
#include <anchorage.h>
#include <stdio.h>
#include <string.h>

/* An image of 640 x 480 px as it is annotated: four objects, of which one lies partly over the edge, and a crowd region. */
static const double boxes[5][4] = { { 40.5, 60.25, 220.75, 310.5 },
                                    { 300.0, 120.0, 380.0, 190.0 },
                                    { 560.25, 300.5, 650.0, 470.0 },
                                    { 410.0, 20.0, 425.5, 33.25 },
                                    { 100.0, 330.0, 500.0, 460.0 } };
static const int32_t category[5] = { 1, 3, 1, 18, 1 };
static const uint8_t crowd[5] = { 0, 0, 0, 0, 1 };

static const char rules[] = "[boxes]\n"
                            "crowd = ignore   ; anchors in crowd regions take no part\n"
                            "[view]\n"
                            "flip = 0.5\n";

static int write_column(const char *folder, const char *name, const void *data, size_t n_bytes)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    size_t written = f && n_bytes ? fwrite(data, 1, n_bytes, f) : 0;
    if (f && !fclose(f) && written == n_bytes) return 0;
    fprintf(stderr, "embed: %s: cannot be written\n", path);
    return 1;
}

/* Rows of one image: with more of them, those of image i are offset[i] to offset[i + 1]. */
static int write_all(const char *folder, const anchorage_targets *t)
{
    size_t m = (size_t)t->minibatch_offset[1], p = (size_t)t->positives_offset[1],
           a = (size_t)t->assignment_offset[1];
    return write_column(folder, "minibatch-anchor", t->minibatch_anchor, m * sizeof(int32_t)) ||
           write_column(folder, "minibatch-label", t->minibatch_label, m) ||
           write_column(folder, "positives-target", t->positives_target, p * 4 * sizeof(float)) ||
           write_column(folder, "positives-gt", t->positives_gt, p * sizeof(int32_t)) ||
           write_column(folder, "assignment-anchor", t->assignment_anchor, a * sizeof(int32_t)) ||
           write_column(folder, "assignment-gt", t->assignment_gt, a * sizeof(int32_t)) ||
           write_column(folder, "labels-label", t->labels, (size_t)t->labels_offset[1]) ||
           write_column(folder, "gt-xyxy", t->boxes, 5 * 4 * sizeof(float)) ||
           write_column(folder, "gt-used", t->boxes_used, 5) ||
           write_column(folder, "views-scale", t->scale, 2 * sizeof(float)) ||
           write_column(folder, "views-flip", t->flip, 1);
}

int main(int argc, char **argv)
{
    anchorage_error error;
    anchorage_config *config = NULL;
    anchorage_labeller *labeller = NULL;
    const anchorage_targets *t = NULL;
    anchorage_image image;
    int failed;

    memset(&image, 0, sizeof image); /* what stays 0 is left to the configuration */
    image.size = sizeof image;
    image.id = 42;
    image.epoch = 0;
    image.height = 480;
    image.width = 640;
    image.n_boxes = 5;
    image.boxes = boxes[0];
    image.category = category;
    image.crowd = crowd;

    /* A configuration for all threads, a labeller for each. */
    failed = anchorage_config_new(&config, "detectron2-fpn", rules, strlen(rules), &error) ||
             anchorage_labeller_new(&labeller, config, 7, NULL, &error) ||
             anchorage_label(labeller, &image, 1, ANCHORAGE_ASSIGNMENT | ANCHORAGE_LABELS | ANCHORAGE_BOXES,
                             &t, &error);
    if (failed) {
        fprintf(stderr, "embed: %s\n", error.text);
    } else {
        printf("libanchorage %s, %s: a view of %d x %d px%s, %d positive and %d ignored anchors\n",
               anchorage_version(), anchorage_labeller_simd(labeller), t->view_size[1], t->view_size[0],
               t->flip[0] ? ", mirrored" : "", t->count[0], t->count[2]);
        for (int64_t i = 0; i < t->positives_offset[1]; i++) /* a minibatch's positives come first */
            printf("anchor %d to box %d: %.4f %.4f %.4f %.4f\n", t->minibatch_anchor[i], t->positives_gt[i],
                   t->positives_target[4 * i], t->positives_target[4 * i + 1], t->positives_target[4 * i + 2],
                   t->positives_target[4 * i + 3]);
        if (argc > 1) failed = write_all(argv[1], t);
    }
    anchorage_labeller_free(labeller);
    anchorage_config_free(config);
    return failed != 0;
}
