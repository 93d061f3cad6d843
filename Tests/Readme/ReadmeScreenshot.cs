using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using NetVips;

namespace Profiles.Tests.Readme;

/// <summary>Makes docs/profiles.png for <c>./dev screenshot</c>: the explorer and a profile with its image.</summary>
[Trait("Needs", "Process")]
public sealed class ReadmeScreenshot
{
    static readonly string Here = Path.Combine(ArchitectureTests.Repository(), "Tests", "Readme");

    static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public async Task Shows_the_explorer_and_a_profile()
    {
        await using var server = await ServerProcess.StartAsync(("ASPNETCORE_ENVIRONMENT", "Development"));
        await using var browser = await Browser.StartAsync(server.Address);
        var page = browser.Page;
        await page.SetViewportSizeAsync(2400, 1800);
        await page.GotoAsync(new Uri(Path.Combine(Here, "photo.html")).AbsoluteUri);
        var photo = await page.ScreenshotAsync(new() { Type = ScreenshotType.Jpeg, Quality = 92 });
        using var user = await ServerUser.SignUpAsync(server, Token);
        var fields = new { name = "John Doe", username = "john.doe", bio = "Climbs things." };
        await (await user.Client.PutAsJsonAsync("/me", fields, Token)).ShouldBeAsync(HttpStatusCode.OK);
        await user.StoreAsync(photo, Token);
        var me = await user.Client.GetFromJsonAsync<JsonElement>("/me", Token);

        await page.SetViewportSizeAsync(1280, 1688);
        await page.GotoAsync($"{server.Address}swagger");
        await page.Locator(".opblock").First.WaitForAsync();
        var explorer = await page.ScreenshotAsync();

        // Served below the service's address, so that the page may load its images.
        await page.SetViewportSizeAsync(2480, 1800);
        await page.RouteAsync("**/screenshot", route => route.FulfillAsync(new() { Path = Path.Combine(Here, "page.html") }));
        await page.GotoAsync($"{server.Address}screenshot");
        string[] shown = [$"data:image/png;base64,{Convert.ToBase64String(explorer)}", me.GetRawText()];
        await page.EvaluateAsync("([explorer, me]) => show(explorer, JSON.parse(me))", shown);
        using var screenshot = Image.NewFromBuffer(await page.ScreenshotAsync());
        var file = Path.Combine(ArchitectureTests.Repository(), "docs", "profiles.png");
        screenshot.Pngsave(file, compression: 9, palette: true, q: 100, dither: 1, effort: 10);
    }
}
