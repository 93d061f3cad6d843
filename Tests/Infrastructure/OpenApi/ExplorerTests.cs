using System.Text.RegularExpressions;
using Microsoft.Playwright;

namespace Profiles.Tests.Infrastructure.OpenApi;

/// <summary>Uses the explorer like a person, in a real browser on a server process.</summary>
// Independent of the database, so it runs on one engine only.
[Trait("Database", "Sqlite")]
[Trait("Needs", "Process")]
public sealed class ExplorerTests
{
    [Fact]
    public async Task The_explorer_registers_logs_in_authorises_uploads_an_image_and_reads_the_profile()
    {
        await using var server = await ServerProcess.StartAsync(("ASPNETCORE_ENVIRONMENT", "Development"));
        await using var browser = await Browser.StartAsync(server.Address);
        var page = browser.Page;

        await page.GotoAsync(server.Address.ToString());
        page.Url.ShouldContain("/swagger");
        // Sends the document's examples unchanged.
        (await ExecuteAsync(page, "Register")).ShouldContain("User registered successfully");
        var login = await ExecuteAsync(page, "Login");
        var token = Regex.Match(login, "\"access_token\": \"([^\"]+)\"").Groups[1].Value;
        token.ShouldNotBeEmpty();

        await page.Locator("button.authorize").First.ClickAsync();
        await page.Locator(".dialog-ux input[type=text]").FillAsync(token);
        await page.Locator(".dialog-ux button.authorize").ClickAsync();
        await page.Locator(".dialog-ux .btn-done").ClickAsync();

        var image = Path.Combine(AppContext.BaseDirectory, "Images", "upright.jpg");
        (await ExecuteAsync(page, "UploadImage", form => form.Locator("input[type=file]").First.SetInputFilesAsync(image)))
            .ShouldContain("Upload successful");
        var me = await ExecuteAsync(page, "GetMe");
        me.ShouldContain("john@example.com");
        me.ShouldMatch("/static/profile/1\\.jpg\\?v=[0-9a-f]{32}\"");
        if (Environment.GetEnvironmentVariable("PROFILES_SCREENSHOT") is { } file)
            await page.ScreenshotAsync(new() { Path = file, FullPage = true });
        browser.Complaints.ShouldBeEmpty();
    }

    // Opens an operation, fills its form, executes it and returns the answer that the page shows.
    static async Task<string> ExecuteAsync(IPage page, string operationId, Func<ILocator, Task>? fill = null)
    {
        var block = page.Locator($".opblock[id$='-{operationId}']");
        await block.Locator(".opblock-summary-control").ClickAsync();
        await block.Locator("button.try-out__btn").ClickAsync();
        if (fill is not null)
            await fill(block);
        await block.Locator("button.execute").ClickAsync();
        var answer = block.Locator(".live-responses-table .response-col_description .microlight").First;
        await answer.WaitForAsync();
        return await answer.InnerTextAsync();
    }
}
