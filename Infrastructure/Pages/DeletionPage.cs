using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Pages;

/// <summary>The page on which somebody without the app deletes an account (Google Play asks for such an address). It needs no script and loads nothing.</summary>
static class DeletionPage
{
    public const string Path = "/account/deletion";

    const string Style = "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:2rem auto;padding:0 1rem}label{display:block;margin:1rem 0}input{display:block;width:100%;box-sizing:border-box;font:inherit;padding:.5rem}"
        + "button{font:inherit;padding:.5rem 1rem}[role=alert]{border-left:.25rem solid #b00020;padding-left:.75rem}:root{color-scheme:light dark}";

    const string Explanation = "This deletes your account, your profile and your picture for good, and logs you out everywhere. Your e-mail address can register anew.";

    static readonly string Policy = $"default-src 'none'; style-src 'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(Style)))}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>The form, with what went wrong the last time.</summary>
    public static ContentHttpResult Form(HttpContext context, string? fault = null, int status = StatusCodes.Status200OK) => Page(context, status, $"""
        <p>{Explanation}</p>
        {(fault is null ? "" : $"<p role=\"alert\">{HtmlEncoder.Default.Encode(fault)}</p>")}
        <form method="post" action="{HtmlEncoder.Default.Encode(BasePath(context) + Path)}">
        <label>E-mail address <input type="email" name="email" autocomplete="username" required maxlength="254"></label>
        <label>Password <input type="password" name="password" autocomplete="current-password" required></label>
        <button type="submit">Delete my account</button>
        </form>
        """);

    /// <summary>What is said when it is done.</summary>
    public static ContentHttpResult Done(HttpContext context) => Page(context, StatusCodes.Status200OK, "<p role=\"status\">Your account has been deleted.</p>");

    static string BasePath(HttpContext context) => context.RequestServices.GetRequiredService<IOptions<ServiceOptions>>().Value.BasePath;

    static ContentHttpResult Page(HttpContext context, int status, string content)
    {
        context.Response.Headers.ContentSecurityPolicy = Policy;
        // Without a referrer a browser would not say where the form was sent from either.
        context.Response.Headers["Referrer-Policy"] = "same-origin";
        return TypedResults.Content($"""
            <!doctype html>
            <html lang="en">
            <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Delete my account</title><style>{Style}</style></head>
            <body><main><h1>Delete my account</h1>
            {content}
            </main></body>
            </html>
            """, "text/html; charset=utf-8", Encoding.UTF8, status);
    }
}
