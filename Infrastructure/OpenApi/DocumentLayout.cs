using NJsonSchema;
using NSwag;
using NSwag.Generation.Processors;
using NSwag.Generation.Processors.Contexts;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>Puts the document into the order in which a newcomer reads it: the page shows the tags, the paths and the methods as they stand.</summary>
sealed class DocumentLayout : IDocumentProcessor
{
    static readonly (string Name, string Description)[] Tags =
    [
        ("Account", "Register and log in."),
        ("Profile", "Show and change the caller's own profile; show what others make public."),
        ("Images", "The profile's image."),
        ("Sessions", "Stay logged in, and log phones out."),
        ("Credentials", "Passwords and e-mail addresses."),
        ("Deletion", "Delete the account with everything."),
        ("Health", "For those who operate the service."),
        (ContractProcessor.Aliases, "The same operations under other paths."),
    ];

    // What is not named here comes behind it, by its path.
    static readonly string[] Story =
    [
        "Register", "Login",
        "GetMe", "UpdateMe", "PatchMe", "GetUser", "ExportMe",
        "UploadImage", "DeleteImage", "UploadPolicy", "GetImage",
        "RefreshToken", "Logout", "ListSessions", "EndSession", "EndOtherSessions", "ListSecurityEvents",
        "ChangePassword", "ForgotPassword", "ResetPassword", "VerifyEmail", "ResendVerification",
    ];

    public void Process(DocumentProcessorContext context)
    {
        var document = context.Document;
        document.Tags = [.. Tags.Select(t => new OpenApiTag { Name = t.Name, Description = t.Description })];
        var paths = document.Paths.OrderBy(p => p.Value.Values.Min(Place)).ThenBy(p => p.Key, StringComparer.Ordinal).ToArray();
        document.Paths.Clear();
        foreach (var (path, item) in paths)
        {
            var operations = item.OrderBy(o => Place(o.Value)).ToArray();
            item.Clear();
            foreach (var (method, operation) in operations)
                item.Add(method, operation);
            document.Paths.Add(path, item);
        }
        // Each error has our form.
        foreach (var name in (string[])[nameof(Microsoft.AspNetCore.Mvc.ProblemDetails), nameof(HttpValidationProblemDetails)])
            document.Components.Schemas.Remove(name);
        var problem = document.Components.Schemas[nameof(Problem)];
        foreach (var code in ErrorCodes.All)
        {
            problem.Properties["code"].Enumeration.Add(code.Code);
            problem.Properties["error_codes"].AdditionalPropertiesSchema!.Item!.Enumeration.Add(code.Code);
        }
        foreach (var schema in (JsonSchema[])[problem.Properties["code"], problem.Properties["error_codes"].AdditionalPropertiesSchema!.Item!])
            schema.MaxLength = null;
    }

    static int Place(OpenApiOperation operation)
    {
        var tag = Array.FindIndex(Tags, t => t.Name == operation.Tags.FirstOrDefault());
        var place = Array.IndexOf(Story, OpenApiSetup.Slice(operation.OperationId));
        return (tag * 100) + (place < 0 ? Story.Length : place);
    }
}
