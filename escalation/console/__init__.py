"""The console: server-rendered pages for counsellors, one file a page, one event stream a screen."""
