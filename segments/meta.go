package segments

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// meta is what is fixed when an app is made.
type meta struct {
	Format  int       `json:"format"`
	Zone    string    `json:"zone"`
	Created time.Time `json:"created"`
}

const (
	metaFile   = "app.json"
	metaFormat = 1
)

func readMeta(dir string) (meta, error) {
	var m meta
	name := filepath.Join(dir, metaFile)
	data, err := os.ReadFile(name)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return m, &Error{Reason: DirectoryUnusable, Message: name + " cannot be read", Err: err}
	}
	if m.Format != metaFormat {
		return m, &Error{Reason: DirectoryUnusable, Message: fmt.Sprintf("%s has format %d, this whowhen knows %d", name, m.Format, metaFormat)}
	}
	return m, nil
}

// writeMeta makes the app's directory and its file, whole or not at all.
func writeMeta(dir string, m meta) error {
	data, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	err = os.MkdirAll(dir, 0o755)
	if err == nil {
		err = writeWhole(filepath.Join(dir, metaFile), append(data, '\n'))
	}
	if err != nil {
		return &Error{Reason: DirectoryUnusable, Message: fmt.Sprintf("app directory %s cannot be made", dir), Err: bare(err)}
	}
	return nil
}

// writeWhole writes a file so that after a crash it is there whole or not at all.
func writeWhole(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".tmp*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	return syncDir(filepath.Dir(name))
}

func loadZone(name string) (*time.Location, error) {
	if name == "" || name == "Local" {
		return nil, &Error{Reason: ZoneUnknown, Field: "zone", Message: fmt.Sprintf("%q is not a time zone; give an IANA name such as Europe/London", name)}
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil, &Error{Reason: ZoneUnknown, Field: "zone", Message: fmt.Sprintf("%.80q is not a time zone; give an IANA name such as Europe/London", name)}
	}
	return l, nil
}
