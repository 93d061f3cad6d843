using Microsoft.AspNetCore.Mvc;
using NJsonSchema;
using NSwag;
using NSwag.Generation.Processors;
using NSwag.Generation.Processors.Contexts;
using Profiles.Infrastructure.Errors;

namespace Profiles.Infrastructure.OpenApi;

/// <summary>
/// Orders the document as a newcomer reads it: the explorer shows tags, paths and methods in the document's order.
/// </summary>
sealed class DocumentLayout : IDocumentProcessor
{
    static readonly (string Name, string Description)[] Tags =
    [
        ("Account", "Register and log in."),
        ("Profile", "Show and change the caller's own profile; show what others make public."),
        ("Images", "The profile's image."),
        ("Sessions", "Stay logged in, and log devices out."),
        ("Credentials", "Passwords and e-mail addresses."),
        ("Deletion", "Delete the account with all its data."),
        ("Health", "For operators of the service."),
        (ContractProcessor.Aliases, "The same operations under other paths."),
    ];

    // Operations that are not listed follow, ordered by path.
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
        document.Components.Schemas.Remove(nameof(ProblemDetails));
        document.Components.Schemas.Remove(nameof(HttpValidationProblemDetails));
        var problem = document.Components.Schemas[nameof(Problem)].Properties;
        foreach (var schema in (JsonSchema[])[problem["code"], problem["error_codes"].AdditionalPropertiesSchema!.Item!])
        {
            schema.MaxLength = null;
            foreach (var error in ErrorCodes.All)
                schema.Enumeration.Add(error.Code);
        }
    }

    static int Place(OpenApiOperation operation)
    {
        var tag = Array.FindIndex(Tags, t => t.Name == operation.Tags.FirstOrDefault());
        var place = Array.IndexOf(Story, OpenApiSetup.Slice(operation.OperationId));
        return (tag * 100) + (place < 0 ? Story.Length : place);
    }
}
