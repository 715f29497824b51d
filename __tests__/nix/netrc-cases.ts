/**
 * Netrc texts that curl reads alike in all versions tried (7.88, 8.14, 8.23), by what they show. `golden/netrc.json` has what the real
 * one sends to 127.0.0.1 for each.
 */
export const NETRC_CASES: Readonly<Record<string, string>> = {
	'one entry on one line': 'machine 127.0.0.1 login a password b\n',
	'one entry on several lines': 'machine 127.0.0.1\n\tlogin a\n\tpassword b\n',
	'no line end at the end': 'machine 127.0.0.1 login a password b',
	'lines that end with CR and LF': 'machine 127.0.0.1\r\nlogin a\r\npassword b\r\n',
	'keywords in upper case': 'MACHINE 127.0.0.1 LOGIN a Password b\n',
	'the password first': 'machine 127.0.0.1 password b login a\n',
	'an entry for another machine': 'machine x login a password b\n',
	'the first of two for one machine': 'machine 127.0.0.1 login a password b\nmachine 127.0.0.1 login c password d\n',
	'no login': 'machine 127.0.0.1 password p\n',
	'an empty login': 'machine 127.0.0.1 login "" password p\nmachine x login a password b\n',
	'an empty password': 'machine 127.0.0.1 login a password ""\nmachine x login a password b\n',
	'the default': 'machine x login a password b\ndefault login d password e\n',
	'a default that is not needed': 'machine 127.0.0.1 login a password b\ndefault login d password e\n',
	'quotes and backslashes within a plain token': 'machine 127.0.0.1 login a"b password p\\q"r#s\n',
	'escapes within quotes': 'machine 127.0.0.1 login "a b" password "p\\"q\\\\r\\ts\\n\\x"\n',
	'quotes around letters beyond ASCII': 'machine 127.0.0.1 login "é" password "pé"\n',
	'a comment': '# machine 127.0.0.1 login no password no\nmachine 127.0.0.1 # here\nlogin a\npassword b # c\n',
	'an account': 'machine 127.0.0.1 account foo login a password b\n',
	'a macro':
		'machine x login y password z\nmacdef init\nmachine 127.0.0.1 login m password n\n\nmachine 127.0.0.1 login a password b\n',
	'values that are keywords': 'machine x login machine password 127.0.0.1\nmachine 127.0.0.1 login password password machine\n',
	'the longest password': `machine 127.0.0.1\nlogin a\npassword ${'x'.repeat(4085)}\n`,
};
