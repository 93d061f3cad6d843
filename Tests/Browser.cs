using Microsoft.Playwright;

namespace Profiles.Tests;

/// <summary>Chromium with one page that may call one server only, and the complaints of that page.</summary>
sealed class Browser : IAsyncDisposable
{
    static readonly string? Chromium =
        new[] { "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome" }.FirstOrDefault(File.Exists);

    readonly List<string> complaints = [];
    readonly IPlaywright playwright;
    readonly IBrowser browser;

    Browser(IPlaywright playwright, IBrowser browser, IPage page) => (this.playwright, this.browser, Page) = (playwright, browser, page);

    public IPage Page { get; }

    /// <summary>Console and script errors, and requests to other servers.</summary>
    public IReadOnlyList<string> Complaints => complaints;

    /// <summary>Starts Chromium, or skips the test where it is neither installed nor required.</summary>
    public static async Task<Browser> StartAsync(Uri server, bool scripts = true)
    {
        Assert.SkipWhen(Chromium is null && Environment.GetEnvironmentVariable("PROFILES_BROWSER") != "required",
            "No Chromium is installed: ./dev test --browser installs it.");
        Chromium.ShouldNotBeNull("PROFILES_BROWSER=required, and no Chromium is installed.");
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Chromium,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync"],
        });
        var context = await browser.NewContextAsync(new() { JavaScriptEnabled = scripts });
        var started = new Browser(playwright, browser, await context.NewPageAsync());
        started.Watch(server);
        return started;
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
    }

    void Watch(Uri server)
    {
        Page.Console += (_, message) =>
        {
            if (message.Type == "error")
                complaints.Add(message.Text);
        };
        Page.PageError += (_, error) => complaints.Add(error);
        Page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(server.ToString(), StringComparison.Ordinal) &&
                !request.Url.StartsWith("data:", StringComparison.Ordinal) && !request.Url.StartsWith("blob:", StringComparison.Ordinal))
                complaints.Add($"asked elsewhere: {request.Url}");
        };
    }
}
