package segments

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"whowhen.dev/whowhen/segments/internal/index"
	"whowhen.dev/whowhen/segments/internal/store"
	"whowhen.dev/whowhen/segments/log"
)

// BuildApp makes an app with UTC days whose index is given as a whole, and whose log is empty: a quick way to large data
// to measure with, for this folder's rooms alone. Since the log does not have what the index has, an index that
// is lost is lost for good. After an error nothing of the app is left. See index.BuildBulk for step.
func (h *Home) BuildApp(ctx context.Context, name string, b *index.Bulk, step func(done, all int)) (err error) {
	if !appName.MatchString(name) {
		return invalidName(name)
	}
	dir := h.appDir(name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return &Error{Reason: AppExists, Field: "app", Message: "app directory " + dir + " cannot be made", Err: bare(err)}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	wal, _, err := log.Open(filepath.Join(dir, "log"), log.Options{})
	if err == nil {
		err = wal.Close()
	}
	if err != nil {
		return err
	}
	disk := &disk{dir: dir}
	st, err := store.Open(filepath.Join(dir, "index"), store.Options{Logger: h.options.Logger, Room: disk.room})
	if err != nil {
		return err
	}
	if err = index.BuildBulk(ctx, st, b, step); err == nil {
		err = st.Compact() // or it would be done beside what is measured
	}
	if err = errors.Join(err, st.Close()); err != nil {
		return err
	}
	if err := markClean(dir); err != nil {
		return err
	}
	// Without its meta file the directory is no app's, so it comes last.
	return writeMeta(dir, meta{Format: metaFormat, Zone: "UTC", Created: h.options.Clock().UTC()})
}
