using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Pages;

/// <summary>
/// The page on which people without the app delete their account, which Google Play requires. It needs no script and loads nothing.
/// </summary>
static class DeletionPage
{
    public const string Path = "/account/deletion";

    // Light and dark; every pair of colours has a contrast of at least 4.5 (WCAG 2.2, 1.4.3).
    const string Style = """
        :root{color-scheme:light dark;--page:#f3f4f6;--card:#fff;--text:#1f2430;--soft:#5a6272;--line:#8a92a3;--edge:#dfe3ea;
        --accent:#1d4ed8;--danger:#b42318;--danger-soft:#fef1f0;--ok-soft:#ecfdf3;--ok:#146c43}
        @media(prefers-color-scheme:dark){:root{--page:#0f1218;--card:#1a1f29;--text:#eceff5;--soft:#a9b2c3;--line:#727c90;--edge:#2c3443;
        --accent:#8ab4ff;--danger:#f97066;--danger-soft:#3a1c1c;--ok-soft:#12301f;--ok:#6ee7a8}}
        *{box-sizing:border-box}
        body{margin:0;min-height:100vh;min-height:100svh;display:flex;flex-direction:column;align-items:center;
        padding:clamp(1rem,6vh,4rem) 1rem;background:var(--page);color:var(--text);
        font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
        header{width:100%;max-width:28rem;margin-bottom:1rem;font-weight:600;font-size:1.125rem;overflow-wrap:anywhere}
        main{width:100%;max-width:28rem;background:var(--card);border:1px solid var(--edge);border-radius:1rem;
        padding:clamp(1.25rem,5vw,2rem);box-shadow:0 1px 2px #0000000d,0 8px 24px #00000012}
        h1{margin:0 0 .5rem;font-size:1.5rem;line-height:1.25}
        p{margin:0 0 1rem}
        ul{margin:0 0 1.5rem;padding:0 0 0 1.25rem;color:var(--soft)}
        label{display:block;margin-bottom:1rem;font-weight:600}
        input{display:block;width:100%;margin-top:.375rem;padding:.6875rem .75rem;border:1px solid var(--line);border-radius:.5rem;
        background:var(--card);color:inherit;font:inherit}
        button{width:100%;margin-top:.5rem;padding:.75rem 1rem;border:0;border-radius:.5rem;background:#b42318;color:#fff;font:inherit;
        font-weight:600;cursor:pointer}
        button:hover{background:#912018}
        input:focus-visible,button:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
        [role]{padding:.75rem 1rem;border-left:.25rem solid;border-radius:.375rem}
        [role=alert]{border-color:var(--danger);background:var(--danger-soft)}
        [role=status]{margin:0;border-color:var(--ok);background:var(--ok-soft)}
        """;

    static readonly string Policy =
        $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; "
        + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>The form, with the error of the last attempt.</summary>
    public static ContentHttpResult Form(HttpContext context, string? error = null, int status = StatusCodes.Status200OK) =>
        Page(context, status, $"""
        <p>For good, and at once:</p>
        <ul>
        <li>Your account, your profile and your image are deleted.</li>
        <li>You are logged out on every device.</li>
        <li>Your e-mail address is free to register again.</li>
        </ul>
        {(error is null ? "" : $"<p role=\"alert\">{HtmlEncoder.Default.Encode(error)}</p>")}
        <form method="post" action="{HtmlEncoder.Default.Encode(BasePath(context) + Path)}">
        <label>E-mail address <input type="email" name="email" autocomplete="username" required maxlength="254"></label>
        <label>Password <input type="password" name="password" autocomplete="current-password" required></label>
        <label>Code of your authenticator app, or a recovery code, if logging in asks you for one
        <input name="code" autocomplete="one-time-code" maxlength="40"></label>
        <button type="submit">Delete my account</button>
        </form>
        <p>An account without a password is deleted in the app: log in there and choose to delete it.</p>
        """);

    /// <summary>The confirmation.</summary>
    public static ContentHttpResult Done(HttpContext context) =>
        Page(context, StatusCodes.Status200OK, "<p role=\"status\">Your account has been deleted.</p>");

    static string BasePath(HttpContext context) => Settings(context).BasePath;

    static ServiceOptions Settings(HttpContext context) =>
        context.RequestServices.GetRequiredService<IOptions<ServiceOptions>>().Value;

    static ContentHttpResult Page(HttpContext context, int status, string content)
    {
        context.Response.Headers.ContentSecurityPolicy = Policy;
        // With no-referrer a browser would not send the form's Origin either.
        context.Response.Headers["Referrer-Policy"] = "same-origin";
        var product = HtmlEncoder.Default.Encode(Settings(context).ProductName);
        return TypedResults.Content($"""
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">
            <title>Delete my account - {product}</title><style>{Style}</style>
            </head>
            <body><header>{product}</header><main><h1>Delete my account</h1>
            {content}
            </main></body>
            </html>
            """, "text/html; charset=utf-8", Encoding.UTF8, status);
    }
}
